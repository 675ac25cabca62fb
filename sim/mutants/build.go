package mutants

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// Build lays the patch over the source at root and builds the victim, with the
// changed files beside it in dir. It returns the path of the binary, which ends
// in the name of the mutant.
func (m *Mutant) Build(root, dir string) (string, error) {
	dir, err := filepath.Abs(dir) // the compiler runs at root
	if err != nil {
		return "", err
	}
	sources, binary := filepath.Join(dir, m.Name+".src"), filepath.Join(dir, m.Name)
	if err := os.MkdirAll(sources, 0o755); err != nil {
		return "", err
	}
	changed, err := m.Apply(func(path string) ([]byte, error) { return os.ReadFile(filepath.Join(root, path)) })
	if err != nil {
		return "", err
	}
	overlay := struct{ Replace map[string]string }{make(map[string]string)}
	for path, text := range changed {
		copied := filepath.Join(sources, strings.ReplaceAll(path, "/", "_"))
		if err := os.WriteFile(copied, text, 0o644); err != nil {
			return "", err
		}
		overlay.Replace[filepath.Join(root, path)] = copied
	}
	text, err := json.Marshal(overlay)
	if err != nil {
		return "", err
	}
	list := filepath.Join(sources, "overlay.json")
	if err := os.WriteFile(list, text, 0o644); err != nil {
		return "", err
	}
	cmd := exec.Command("go", "build", "-overlay", list, "-o", binary, "./sim/mutants/victim")
	cmd.Dir = root
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("%s: %w\n%s", m.Name, err, out)
	}
	return binary, nil
}

// Root returns where the module of the working directory is.
func Root() (string, error) {
	mod, err := exec.Command("go", "env", "GOMOD").Output()
	if err != nil {
		return "", err
	}
	return filepath.Dir(strings.TrimSpace(string(mod))), nil
}
