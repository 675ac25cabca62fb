package scenario

import (
	"errors"
	"strings"
	"testing"
	"time"
)

func parse(t *testing.T, text string) *Script {
	t.Helper()
	s, err := Parse("test", text)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestMistakesAreNamedWithLineAndColumn(t *testing.T) {
	cases := map[string]string{
		"at 1s explode 3":                         `test:1:7: unknown word "explode"`,
		"at 1s kil 3":                             `test:1:7: unknown word "kil"; did you mean "kill"?`,
		"at 1s kill 3\nthen\n":                    "test:2:5: the line ends, want what happens",
		"# fine\n\nnode 7":                        `test:3:1: unknown word "node"; did you mean "nodes"?`,
		"kill 3":                                  `test:1:1: "kill" wants a time: at, after or then`,
		"at 10s kill 3\nat 5s heal":               "test:2:4: time goes backwards: 5s after 10s",
		"at soon kill 3":                          `test:1:4: "soon" is no duration`,
		"at -1s kill 3":                           "test:1:4: -1s is negative",
		"at 100000000h kill 3":                    `test:1:4: "100000000h" is no duration`,
		"at 90000h kill 3":                        "test:1:4: 90000h0m0s is too long",
		"at 1s kill":                              "test:1:11: the line ends, want nodes",
		"at 1s kill 0":                            "test:1:12: node 0 is out of range",
		"at 1s kill {4..2}":                       "test:1:13: 4..2 goes down",
		"at 1s kill {1 2}":                        `test:1:15: want , or }, found "2"`,
		"at 1s kill {1,":                          "test:1:15: the line ends",
		"at 1s kill {a}":                          `test:1:13: "a" is no node`,
		"at 1s kill rest":                         "test:1:12: rest stands only after | or ->",
		"at 1s kill somebody":                     `test:1:12: unknown nodes "somebody"`,
		"at 1s kill any":                          "test:1:15: the line ends, want a number of nodes",
		"at 1s kill any 0":                        `test:1:16: "0" is no number of nodes`,
		"at 1s kill any 120%":                     `test:1:16: "120%" is not a share`,
		"at 1s kill 3 for":                        "test:1:17: the line ends, want a duration",
		"at 1s kill 3 for 0s":                     "test:1:18: for wants a duration above 0",
		"at 1s kill 3 now":                        `test:1:14: the line should end here, found "now"`,
		"at 1s kill \"3\"":                        "test:1:12: want nodes, found a text in quotes",
		"at 1s cut 3 4":                           `test:1:13: want | or -> and other nodes, found "4"`,
		"at 1s loss half":                         `test:1:12: "half" is not a share`,
		"at 1s loss 5% 3 | 4":                     "test:1:15: loss is one way",
		"at 1s slow 3":                            `test:1:13: want "by"`,
		"at 1s churn 3 every 0s down 1s until 9s": "test:1:21: churn wants an interval above 0",
		"at 9s churn 3 every 1s down 1s until 9s": "test:1:38: until 9s is not after 9s",
		"at 1s every 2s until 1s kill 3":          "test:1:22: until 1s is not after 1s",
		"at 1s every 0s until 5s kill 3":          "test:1:13: every wants an interval above 0",
		"at 1s every 1s until 9s churn 3 every 1s down 1s until 9s": "test:1:25: churn repeats by itself",
		"at 1s let any = 3":               `test:1:11: "any" means something else`,
		"at 1s let 3x = 3":                `test:1:11: "3x" is no name`,
		"at 1s let bad 3":                 `test:1:15: want "=", found "3"`,
		"at 1s set 3 key":                 "test:1:16: the line ends, want a value",
		"at 1s set 3 payload/1 x":         "test:1:13: keys in payload/",
		"at 1s set 3 \"\" x":              "test:1:13: a key has 1 to 256 bytes",
		"at 1s set 3 key \"x":             "test:1:17: a quote that is not closed",
		"at 1s broadcast lots from 3":     `test:1:17: "lots" is no size`,
		"at 1s broadcast 5MiB from 3":     `test:1:17: "5MiB" is no size: want 0B to 4MiB`,
		"at 1s broadcast 1GB from 3":      `test:1:17: "1GB" is no size`,
		"at 1s broadcast -1B from 3":      `test:1:17: "-1B" is no size`,
		"at 1s broadcast 64B 3":           `test:1:21: want "from", found "3"`,
		"at 1s write 70000B from 3":       `test:1:13: "70000B" is no size: want 0B to 64KiB`,
		"at 1s expect peace":              `test:1:14: unknown condition "peace"`,
		"at 1s expect convergd":           `test:1:14: unknown condition "convergd"; did you mean "converged"?`,
		"at 1s expect packets 3":          `test:1:22: want <, <=, =, >= or >, found "3"`,
		"at 1s expect packets < few":      `test:1:24: "few" is no number`,
		"at 1s expect packets < NaN":      `test:1:24: "NaN" is no number`,
		"at 1s expect converged within":   "test:1:30: the line ends",
		"nodes 0\nat 1s heal":             `test:1:7: "0" is not a number of nodes`,
		"nodes 9999\nat 1s heal":          `test:1:7: "9999" is not a number of nodes: want 1 to 4000`,
		"nodes 3\nnodes 4\nat 1s heal":    "test:2:1: this was set before",
		"profile moon\nat 1s heal":        "test:1:9: unknown profile",
		"begin late\nat 1s heal":          `test:1:7: "late": want formed or empty`,
		"at 1s heal\nnodes 3":             "test:2:1: nodes stands after the first timed line",
		"nodes 3":                         "test:1:1: nothing happens",
		"":                                "test:1:1: nothing happens",
		"\"at\" 1s heal":                  "test:1:1: want a word, found a text in quotes",
		"at 1s größe 3":                   `test:1:7: unknown word "größe"`,
		"at 1s kill größe, 3":             `test:1:12: unknown nodes "größe"`,
		"at 1s end\n\n# fine\nat 2s heal": "test:4:1: nothing comes after end, which is line 1",
		"at 1s heal\nthen end\nnodes 3":   "test:3:1: nothing comes after end, which is line 2",
		"at 1s heal ü ö":                  `test:1:12: the line should end here, found "ü"`,
	}
	for text, want := range cases {
		_, err := Parse("test", text)
		if err == nil || !strings.HasPrefix(err.Error(), want) || !errors.Is(err, ErrScript) {
			t.Errorf("%q: error %v, want %s …", text, err, want)
		}
	}
}

func TestAllMistakesAreNamedAtOnce(t *testing.T) {
	_, err := Parse("f", "at 1s kil 3\nat 2s heal\nat x heal\n")
	if err == nil || strings.Count(err.Error(), "\n") != 1 || !strings.Contains(err.Error(), "f:1:7") || !strings.Contains(err.Error(), "f:3:4") {
		t.Errorf("error %v, want two lines", err)
	}
}

func TestNodesAreCheckedAgainstTheSizeOfTheCluster(t *testing.T) {
	s := parse(t, "at 1s kill {3, 9..11}\nat 2s cut first 5 | {n}\nat 3s kill any 12\nat 4s expect dead 13\n")
	err := s.Check(10)
	for _, want := range []string{"test:1:12: node 11 is out of range: there are 1 to 10", "test:3:12: 12 is more nodes than there are: 10", "test:4:19: node 13"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %s", err, want)
		}
	}
	s = parse(t, "at 1s cut 1 | 1\nat 2s cut first 5 -> {5..8} for 1s\nat 3s cut {1..5} | last 50%\nat 4s cut any 1 | any 1\nat 5s cut 1 | rest")
	err = s.Check(9)
	if want := "test:1:15: node 1 stands on both sides\ntest:2:22: node 5 stands on both sides\ntest:3:20: node 5 stands on both sides"; err == nil || err.Error() != want {
		t.Errorf("error %v, want %s", err, want)
	}
	s = parse(t, "at 1s cut {1..5} | last 50%\nat 2s cut 1 | 13")
	if err := s.Check(13); err != nil {
		t.Errorf("with 13 nodes: %v", err)
	}
	for _, n := range []int{0, -1, NodesMax + 1} {
		if err := s.Check(n); !errors.Is(err, ErrNodes) {
			t.Errorf("Check(%d) = %v", n, err)
		}
	}
}

func TestHeadSetsUpTheCluster(t *testing.T) {
	s := parse(t, "nodes 12 # of them\nprofile wan\nlatency 5ms\nloss 2%\nduplicate 0.5\nat 0s heal")
	net := s.Network(s.Profile())
	if s.Nodes() != 12 || s.Profile() != WAN || net.Latency != 5*time.Millisecond || net.Loss != .02 || net.Duplicate != .5 {
		t.Errorf("%d nodes, %v, %+v", s.Nodes(), s.Profile(), net)
	}
	if net.Jitter != WAN.Network().Jitter {
		t.Errorf("jitter %v is not that of the profile", net.Jitter)
	}
	if s := parse(t, "at 0s heal"); s.Nodes() != 64 || s.Profile() != LAN || s.Network(LAN) != LAN.Network() {
		t.Error("defaults are wrong")
	}
}

func TestLengthIsTheLongestThatAScriptTakes(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"at 5s heal":                       5 * time.Second,
		"at 5s kill 1 for 20s\nat 6s heal": 25 * time.Second,
		"at 5s expect converged within 1m\nthen heal\nafter 5s end":      70 * time.Second,
		"at 5s every 10s until 2m pause 1 for 15s\nat 1m heal":           135 * time.Second,
		"at 5s every 10s until 2m pause 1 for 15s\nat 1m end":            time.Minute,
		"at 5s start all over 20s":                                       25 * time.Second,
		"at 5s churn 1 every 10s down 5s until 1m\nat 10s expect agreed": 65 * time.Second,
	} {
		if got := parse(t, text).Length(); got != want {
			t.Errorf("%q: %v, want %v", text, got, want)
		}
	}
}

func TestBuiltinsAreReadAndFitSmallClusters(t *testing.T) {
	want := "broadcast broadcast-flood broadcast-large crash flipflop idle join mass-restart one-way-loss partition pause uniform-loss write"
	if got := strings.Join(Names(), " "); got != want {
		t.Errorf("names %q, want %q", got, want)
	}
	for _, name := range Names() {
		text, err := Text(name)
		if err != nil {
			t.Fatal(err)
		}
		s, err := Parse(name, text)
		if err != nil {
			t.Error(err)
			continue
		}
		if err := s.Check(8); err != nil {
			t.Errorf("%s with 8 nodes: %v", name, err)
		}
	}
	if _, err := Text("crush"); !errors.Is(err, ErrUnknown) || !strings.Contains(err.Error(), `did you mean "crash"?`) {
		t.Errorf("error %v", err)
	}
}

// Whatever the text, the parser ends, names a place inside the text, and what it
// accepts it accepts again.
func FuzzParse(f *testing.F) {
	for _, name := range Names() {
		text, err := Text(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	f.Add("nodes 5\nat 1s every 2s until 9s set {1..3, n} \"a b\" \"\"\nafter 1s loss 5% any 3 of first 50% -> rest for 1s")
	f.Add("at 0 let x=any 1 of{1,2}\nthen isolate x for 1s#c\nthen expect copies<=3 within 1s")
	f.Add("at 1s churn any 5% every 10s down 5s until 1m\nthen latency 1ms jitter 0\nthen slow up by 1ms")
	f.Add("\xff\xfe at \"\x00\" {..} .. n..n")
	f.Fuzz(func(t *testing.T, text string) {
		s, err := Parse("f", text)
		if err == nil {
			if s.Length() < 0 {
				t.Errorf("length %v", s.Length())
			}
			if again, err := Parse("f", s.Text); err != nil || len(again.lines) != len(s.lines) {
				t.Errorf("read again: %v", err)
			}
			return
		}
		lines := strings.Split(text, "\n")
		for _, one := range err.(interface{ Unwrap() []error }).Unwrap() {
			var mistake *Error
			if !errors.As(one, &mistake) || mistake.Line < 1 || mistake.Line > len(lines) || mistake.Column < 1 || mistake.Column > len(lines[mistake.Line-1])+1 {
				t.Errorf("mistake %v is not in %q", one, text)
			}
		}
	})
}
