package picture

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
)

func TestFilesAreSVGOrPNG(t *testing.T) {
	for file, ok := range map[string]bool{"": true, "a.svg": true, "a.PNG": true, "a.gif": false, "svg": false} {
		if err := Check("plot", file); (err == nil) != ok || err != nil && !errors.Is(err, ErrFormat) {
			t.Errorf("Check(%q) = %v", file, err)
		}
	}
	p, legend := New("title", "subtitle")
	for file, magic := range map[string]string{"a.svg": "<?xml", "a.png": "\x89PNG"} {
		file = filepath.Join(t.TempDir(), file)
		if err := Save(file, p, legend); err != nil {
			t.Fatal(err)
		}
		data, err := os.ReadFile(file)
		if err != nil || len(data) < 100 || string(data[:len(magic)]) != magic {
			t.Errorf("%s: %d bytes, %v", file, len(data), err)
		}
	}
	if err := Save("a.gif", p, legend); !errors.Is(err, ErrFormat) {
		t.Errorf("error %v, want %v", err, ErrFormat)
	}
}
