package seal

import (
	"bytes"
	"crypto/ed25519"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/hearsay-gossip/hearsay/member"
)

func TestIdentitySignsForItsNode(t *testing.T) {
	a, b := testIdentity(1), testIdentity(2)
	msg := []byte("everyone will know")
	sig := a.Sign(msg)
	if !Verify(a.ID(), a.Public(), msg, sig) {
		t.Fatal("own signature refused")
	}
	for why, ok := range map[string]bool{
		"another node's ID":  Verify(b.ID(), a.Public(), msg, sig),
		"another node's key": Verify(a.ID(), b.Public(), msg, sig),
		"another message":    Verify(a.ID(), a.Public(), msg[1:], sig),
		"a cut signature":    Verify(a.ID(), a.Public(), msg, sig[1:]),
		"a cut key":          Verify(a.ID(), a.Public()[1:], msg, sig),
		"no key":             Verify(member.NodeID{}, nil, msg, sig),
	} {
		if ok {
			t.Errorf("accepted with %s", why)
		}
	}
	if a.ID() != IDOf(a.Public()) || a.ID() == b.ID() {
		t.Error("IDs do not follow from keys")
	}
}

// RFC 8032, section 7.1, test 1: our seed is the RFC's secret key.
func TestIdentityFromSeedFollowsRFC8032(t *testing.T) {
	seed := unhex(t, "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60")
	i := IdentityFromSeed([ed25519.SeedSize]byte(seed))
	if want := unhex(t, "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"); !bytes.Equal(i.Public(), want) {
		t.Errorf("public key %x, want %x", i.Public(), want)
	}
}

func TestIdentityFileRoundTrips(t *testing.T) {
	dir := t.TempDir()
	if _, err := LoadIdentity(dir); !errors.Is(err, fs.ErrNotExist) {
		t.Fatalf("LoadIdentity of an empty directory = %v", err)
	}
	made, err := CreateIdentity(dir, dice(1))
	if err != nil {
		t.Fatal(err)
	}
	loaded, err := LoadIdentity(dir)
	if err != nil || loaded.ID() != made.ID() || !loaded.key.Equal(made.key) {
		t.Fatalf("LoadIdentity = %v, %v", loaded, err)
	}
	if _, err := CreateIdentity(dir, dice(2)); !errors.Is(err, fs.ErrExist) {
		t.Errorf("a second CreateIdentity = %v", err)
	}
	checkOnlyFile(t, dir, IdentityFile)
}

func TestRingFileRoundTrips(t *testing.T) {
	dir := t.TempDir()
	ring, err := NewRing(dice(1))
	if err != nil {
		t.Fatal(err)
	}
	for n := range byte(ringKeysMax - 1) {
		if ring, err = ring.With(Key{n}); err != nil {
			t.Fatal(err)
		}
	}
	if err := WriteRing(dir, ring); err != nil {
		t.Fatal(err)
	}
	loaded, err := LoadRing(dir)
	if err != nil || !loaded.Equal(ring) || loaded.Primary() != ring.Primary() {
		t.Fatalf("LoadRing = %v", err)
	}
	if err := WriteRing(dir, ring); !errors.Is(err, fs.ErrExist) {
		t.Errorf("a second WriteRing = %v", err)
	}
	if err := ReplaceRing(dir, DevRing("test")); err != nil {
		t.Fatal(err)
	}
	if loaded, err = LoadRing(dir); err != nil || !loaded.Equal(DevRing("test")) {
		t.Fatalf("LoadRing after ReplaceRing = %v", err)
	}
	checkOnlyFile(t, dir, RingFile)
}

// checkOnlyFile checks that a directory holds one file, for its owner only.
func checkOnlyFile(t *testing.T, dir, name string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 1 || entries[0].Name() != name {
		t.Fatalf("directory holds %v, %v; want %s alone", entries, err, name)
	}
	info, err := entries[0].Info()
	if err != nil {
		t.Fatal(err)
	}
	if modeMatters && info.Mode().Perm() != 0o600 {
		t.Errorf("mode of %s is %v", name, info.Mode())
	}
}

func TestKeyFileOpenToOthersIsRefused(t *testing.T) {
	if !modeMatters {
		t.Skip("modes mean nothing here")
	}
	dir := t.TempDir()
	if _, err := CreateIdentity(dir, dice(1)); err != nil {
		t.Fatal(err)
	}
	if err := WriteRing(dir, DevRing("test")); err != nil {
		t.Fatal(err)
	}
	for _, mode := range []fs.FileMode{0o640, 0o604, 0o620, 0o601, 0o777} {
		for _, name := range []string{IdentityFile, RingFile} {
			path := filepath.Join(dir, name)
			if err := os.Chmod(path, mode); err != nil {
				t.Fatal(err)
			}
			_, err := load(dir, name)
			if !errors.Is(err, ErrKeyFileMode) || !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), fmt.Sprintf("%04o", mode)) {
				t.Errorf("mode %v: %v", mode, err)
			}
		}
	}
}

// Neither a missing directory nor a name that is taken leaves a draft behind.
func TestFailedWritesLeaveNothing(t *testing.T) {
	dir := t.TempDir()
	if err := WriteRing(filepath.Join(dir, "missing"), DevRing("test")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("WriteRing to no directory = %v", err)
	}
	path := filepath.Join(dir, RingFile)
	if err := os.Mkdir(path, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := ReplaceRing(dir, DevRing("test")); err == nil {
		t.Error("ReplaceRing of a directory succeeded")
	}
	// Between the first look and the link, someone else was quicker.
	if err := install(dir, RingFile, []byte("text"), publish); !errors.Is(err, fs.ErrExist) {
		t.Errorf("install over another's = %v", err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 1 {
		t.Errorf("directory holds %v, %v", entries, err)
	}
}

func TestKeyFileThatIsNoFileIsRefused(t *testing.T) {
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, RingFile), 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := LoadRing(dir); !errors.Is(err, ErrKeyFile) {
		t.Errorf("LoadRing of a directory = %v", err)
	}
	if err := os.WriteFile(filepath.Join(dir, IdentityFile), make([]byte, keyFileMax+1), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := LoadIdentity(dir); !errors.Is(err, ErrKeyFile) {
		t.Errorf("LoadIdentity of a huge file = %v", err)
	}
}

// load reads either file.
func load(dir, name string) (any, error) {
	if name == RingFile {
		return LoadRing(dir)
	}
	return LoadIdentity(dir)
}

func TestEveryFlippedBitOfAKeyFileIsFound(t *testing.T) {
	ring, err := DevRing("test").With(Key{7})
	if err != nil {
		t.Fatal(err)
	}
	decoders := map[string]func([]byte) error{
		RingFile:     func(text []byte) error { _, err := decodeRing(text); return err },
		IdentityFile: func(text []byte) error { _, err := decodeIdentity(text); return err },
	}
	for name, text := range map[string][]byte{RingFile: ring.encode(), IdentityFile: testIdentity(1).encode()} {
		decode := decoders[name]
		if err := decode(text); err != nil {
			t.Fatal(err)
		}
		for i := range 8 * len(text) {
			bad := slices.Clone(text)
			bad[i/8] ^= 1 << (i % 8)
			if err := decode(bad); !errors.Is(err, ErrKeyFile) {
				t.Fatalf("%s: bit %d of byte %d (%q) flipped: %v", name, i%8, i/8, text[i/8], err)
			}
		}
		for n := range text {
			if err := decode(text[:n]); !errors.Is(err, ErrKeyFile) {
				t.Fatalf("%s cut after %d bytes: %v", name, n, err)
			}
		}
		if err := decode(append(slices.Clone(text), '\n')); err == nil {
			t.Errorf("%s with a line more is accepted", name)
		}
	}
}

func TestRingFileErrorsNameTheLine(t *testing.T) {
	good := string(DevRing("test").encode())
	line := func(n int) string { return strings.SplitAfter(good, "\n")[n-1] }
	tests := []struct{ why, text, want string }{
		{"empty", "", "no primary key"},
		{"another file", "-----BEGIN CERTIFICATE-----\n", "line 1"},
		{"a newer format", strings.Replace(good, "ring 1", "ring 2", 1), `line 1: want "hearsay ring 1"`},
		{"no key", line(1) + line(2) + line(4), "line 3: no primary key"},
		{"a bad cluster", line(1) + "cluster xyz\n" + line(3), "line 2: want \"cluster\""},
		{"of another cluster", line(1) + "cluster 00000000000000000000000000000000\n" + line(3), "line 3: key"},
		{"a short key", line(1) + line(2) + line(3)[:80] + "\n", "line 3: want \"primary\""},
		{"the same key again", line(1) + line(2) + line(3) + strings.Replace(line(3), "primary", "key    ", 1), "line 4: key"},
		{"no end", line(1) + line(2) + line(3), `last line is not "end"`},
		{"two primaries", line(1) + line(2) + line(3) + line(3), "line 4: want \"key"},
	}
	for _, tt := range tests {
		checkRingError(t, tt.why, tt.text, tt.want)
	}
}

func checkRingError(t *testing.T, why, text, want string) {
	t.Helper()
	dir := t.TempDir()
	path := filepath.Join(dir, RingFile)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := LoadRing(dir)
	if !errors.Is(err, ErrKeyFile) || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), path) {
		t.Errorf("%s: %v; want the path and %q", why, err, want)
	}
}

func TestRingChanges(t *testing.T) {
	ring := DevRing("test")
	old := ring.Primary()
	two, err := ring.With(Key{1})
	if err != nil || len(two.KeyIDs()) != 2 || two.Primary() != old || len(ring.KeyIDs()) != 1 {
		t.Fatalf("With = %v, %v", two.KeyIDs(), err)
	}
	if same, err := two.With(Key{1}); err != nil || same != two {
		t.Errorf("With of a key it has = %v", err)
	}
	used, err := two.Use(two.KeyIDs()[1])
	if err != nil || used.Primary() == old || len(used.KeyIDs()) != 2 {
		t.Fatalf("Use = %v, %v", used.KeyIDs(), err)
	}
	if _, err := ring.Use(used.Primary()); !errors.Is(err, ErrRingKey) {
		t.Errorf("Use of a key it has not = %v", err)
	}
	if _, err := used.Without(used.Primary()); !errors.Is(err, ErrRingPrimary) {
		t.Errorf("Without the primary = %v", err)
	}
	one, err := used.Without(old)
	if err != nil || !slices.Equal(one.KeyIDs(), []KeyID{used.Primary()}) {
		t.Fatalf("Without = %v, %v", one.KeyIDs(), err)
	}
	if secret, ok := one.Secret(one.Primary()); !ok || secret != (Key{1}) {
		t.Error("Secret is not the key installed")
	}
	if _, ok := one.Secret(old); ok {
		t.Error("Secret of a removed key")
	}
	for n := range byte(ringKeysMax - 1) {
		if one, err = one.With(Key{100 + n}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := one.With(Key{200}); !errors.Is(err, ErrRingFull) {
		t.Errorf("With beyond the limit = %v", err)
	}
}

func TestKeysDoNotPrint(t *testing.T) {
	key := Key{0xab, 0xcd}
	for _, verb := range []string{"%v", "%+v", "%#v", "%x", "%s", "%q", "%d"} {
		if text := fmt.Sprintf(verb, key); text != "key(256 bit)" {
			t.Errorf("%s prints %q", verb, text)
		}
	}
}

func TestReasonsAreNamedOnce(t *testing.T) {
	seen := map[string]bool{}
	for _, r := range Reasons() {
		name := r.String()
		if name == "" || name == "unknown" || seen[name] {
			t.Errorf("reason %d is called %q", r, name)
		}
		seen[name] = true
		if got, ok := ReasonOf(fmt.Errorf("wrapped: %w", r)); !ok || got != r {
			t.Errorf("ReasonOf(%v) = %v, %t", r, got, ok)
		}
	}
	if Reason(0).String() != "unknown" || Reason(255).String() != "unknown" {
		t.Error("a number that is no reason has a name")
	}
	if _, ok := ReasonOf(fs.ErrExist); ok {
		t.Error("found a reason in an error that has none")
	}
}
