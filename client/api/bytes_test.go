package api

import (
	"bytes"
	"encoding/json"
	"testing"
)

func TestBytesAreStringsWherePossible(t *testing.T) {
	tests := []struct{ value, want string }{
		{"", `""`},
		{"eu-west", `"eu-west"`},
		{"a\"\n\x00", `"a\"\n\u0000"`},
		{"\xff\x00", `{"base64":"/wA="}`},
	}
	for _, tt := range tests {
		got, err := json.Marshal(Fact{"k", Bytes(tt.value)})
		if err != nil {
			t.Fatal(err)
		}
		if want := `{"key":"k","value":` + tt.want + `}`; string(got) != want {
			t.Errorf("%q encodes as %s, want %s", tt.value, got, want)
		}
		var back Fact
		if err := json.Unmarshal(got, &back); err != nil || string(back.Value) != tt.value {
			t.Errorf("%s decodes as %q, %v", got, back.Value, err)
		}
	}
}

func TestBytesRefuseOtherShapes(t *testing.T) {
	for _, text := range []string{`7`, `null`, `{}`, `{"base64":"*"}`, `[1]`, `{"base64":null}`, "\"\xff\""} {
		var b Bytes
		if err := b.UnmarshalJSON([]byte(text)); err == nil {
			t.Errorf("%s decodes as %q", text, b)
		}
	}
}

func FuzzBytes(f *testing.F) {
	f.Add([]byte("plain"))
	f.Add([]byte{0xff, 0})
	f.Add([]byte("\u2028</script>"))
	f.Fuzz(func(t *testing.T, value []byte) {
		text, err := json.Marshal(Bytes(value))
		if err != nil {
			t.Fatal(err)
		}
		var back Bytes
		if err := json.Unmarshal(text, &back); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		if !bytes.Equal(back, value) {
			t.Fatalf("%x came back as %x", value, []byte(back))
		}
	})
}
