package telemetry

import (
	"flag"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/hearsay-gossip/hearsay"
	"github.com/hearsay-gossip/hearsay/seal"
)

var rewrite = flag.Bool("rewrite", false, "rewrite the golden page")

// numbers are all different, so that none can stand in for another.
func numbers() hearsay.Stats {
	s := hearsay.Stats{
		Alive: 101, Suspect: 102, Dead: 103, Left: 104, Health: 3, HotRumors: 105, Facts: 106, SnapshotAge: 1500 * time.Millisecond,
		DatagramsSent: 107, DatagramsReceived: 108, DatagramBytesSent: 109, DatagramBytesReceived: 110,
		FramesSent: 111, FramesReceived: 112, StreamBytesSent: 113, StreamBytesReceived: 114,
		StreamsOpened: 115, StreamsOpen: 116, Probes: 117, ProbeFailures: 118, Suspicions: 119, Deaths: 120,
		FalseDeaths: 121, Refutations: 122, Pauses: 123, Syncs: 124, Joins: 125, JoinFailures: 126,
		Drops: []hearsay.Drop{{Reason: "replay", Count: 127}, {Reason: "malformed"}},
	}
	s.Messages = hearsay.MessageStats{
		Published: 201, Delivered: 202, Duplicates: 203, Repaired: 204, Missed: 205, Relays: 406, Retransmits: 200, BytesEager: 207,
		BytesRepair: 208, BytesControl: 209, QueueBytes: 210, WindowBytes: 211, InFlight: 212, Queries: 213, Answers: 214,
	}
	for i := range s.Messages.Latency.Counts {
		s.Messages.Latency.Counts[i] = uint64(i + 2)
	}
	s.Messages.Latency.Sum = 3500 * time.Millisecond
	for i := range s.ProbeRTT.Counts {
		s.ProbeRTT.Counts[i] = uint64(i + 1)
		s.ProbeRTT.Count += uint64(i + 1)
	}
	s.ProbeRTT.Sum = 2500 * time.Millisecond
	return s
}

func source() Source {
	return Source{
		Stats: numbers, Saves: func() (uint64, uint64) { return 128, 129 },
		HTTP:    func() ([6]uint64, int) { return [6]uint64{2: 301, 3: 302, 4: 303, 5: 304}, 305 },
		Version: "v1.2.3", Cluster: strings.Repeat("ab", 16),
	}
}

func registry(t *testing.T) *prometheus.Registry {
	t.Helper()
	r := prometheus.NewPedanticRegistry()
	if err := r.Register(NewCollector(source())); err != nil {
		t.Fatal(err)
	}
	return r
}

func TestNamesAndUnitsFollowTheRules(t *testing.T) {
	problems, err := testutil.GatherAndLint(registry(t))
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		t.Errorf("%s: %s", p.Metric, p.Text)
	}
}

func get(t *testing.T, h http.Handler) string {
	t.Helper()
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	text, err := io.ReadAll(w.Result().Body)
	if err != nil || w.Code != http.StatusOK {
		t.Fatalf("status %d, %v: %s", w.Code, err, text)
	}
	return string(text)
}

var goVersion = regexp.MustCompile(`go="[^"]*"`)

func TestPageIsAsDocumented(t *testing.T) {
	page := get(t, promhttp.HandlerFor(registry(t), promhttp.HandlerOpts{}))
	page = goVersion.ReplaceAllString(page, `go="GO"`)
	golden := filepath.Join("testdata", "metrics.txt")
	if *rewrite {
		if err := os.WriteFile(golden, []byte(page), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if page != string(want) {
		t.Errorf("the page is not %s; see the difference after -rewrite:\n%s", golden, page)
	}
}

func TestEveryDropReasonIsThereFromTheStart(t *testing.T) {
	cfg := hearsay.Local()
	cfg.Name, cfg.Ring, cfg.Logger = "a", seal.DevRing("telemetry"), slog.New(slog.DiscardHandler)
	node, err := hearsay.Start(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer node.Close()
	h, err := Handler(Source{Stats: node.Stats, Version: "v0", Cluster: cfg.Ring.Cluster().String()})
	if err != nil {
		t.Fatal(err)
	}
	page := get(t, h)
	for _, d := range node.Stats().Drops {
		if line := `hearsay_packets_dropped_total{reason="` + d.Reason + `"} `; !strings.Contains(page, line) {
			t.Errorf("no line %s", line)
		}
	}
	for _, r := range seal.Reasons() {
		if line := `hearsay_packets_dropped_total{reason="` + r.String() + `"} `; !strings.Contains(page, line) {
			t.Errorf("no line %s", line)
		}
	}
	for _, name := range []string{"go_goroutines ", "process_start_time_seconds ", `hearsay_members{state="alive"} 1`} {
		if !strings.Contains(page, name) {
			t.Errorf("no line %s", name)
		}
	}
	if strings.Contains(page, "state_saves") {
		t.Error("saves are counted without a data directory")
	}
}
