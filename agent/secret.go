package agent

import (
	crand "crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/hearsay-gossip/hearsay/seal"
)

// Init mints a cluster: it creates dir for the owner alone if need be, and
// writes a new ring there. A ring that is there already is never replaced; the
// error is io/fs.ErrExist then.
func Init(dir string) (seal.ClusterID, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return seal.ClusterID{}, fmt.Errorf("init: %w", err)
	}
	ring, err := seal.NewRing(crand.Reader)
	if err != nil {
		return seal.ClusterID{}, fmt.Errorf("init: %w", err)
	}
	if err := seal.WriteRing(dir, ring); err != nil {
		if errors.Is(err, fs.ErrExist) {
			return seal.ClusterID{}, fmt.Errorf("init: %s: there is a ring already: %w", filepath.Join(dir, seal.RingFile), fs.ErrExist)
		}
		return seal.ClusterID{}, fmt.Errorf("init: %w", err)
	}
	return ring.Cluster(), nil
}

// ring returns the ring that the configuration means.
func (c Config) ring() (*seal.Ring, error) {
	if c.SecretDir != "" {
		ring, err := seal.LoadRing(c.SecretDir)
		if errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("secret: no %s in %q: make one with `hearsay init --dir %[2]s`, or copy that of the cluster: %w",
				seal.RingFile, c.SecretDir, fs.ErrNotExist)
		}
		if err != nil {
			return nil, fmt.Errorf("secret: %w", err)
		}
		return ring, nil
	}
	return seal.DevRing(c.Security.String()), nil // one cluster a host of each kind
}

// identity returns the node's key: that of the data directory, a new one on the
// first start. It reports whether it is new.
func (c Config) identity() (id *seal.Identity, isNew bool, err error) {
	if c.DataDir == "" {
		id, err = seal.NewIdentity(crand.Reader)
		return id, true, err
	}
	if err := os.MkdirAll(c.DataDir, 0o700); err != nil {
		return nil, false, fmt.Errorf("data directory: %w", err)
	}
	id, err = seal.LoadIdentity(c.DataDir)
	if errors.Is(err, fs.ErrNotExist) {
		id, err = seal.CreateIdentity(c.DataDir, crand.Reader)
		isNew = err == nil
		if errors.Is(err, fs.ErrExist) { // another process was faster; its lock decides
			id, err = seal.LoadIdentity(c.DataDir)
		}
	}
	if err != nil {
		return nil, false, fmt.Errorf("data directory: %w", err)
	}
	return id, isNew, nil
}

const (
	// tokenMax bounds a token file: nobody has a longer token, and a path given
	// by mistake may be a device.
	tokenMax = 4096
	// tokenMin keeps out an empty line and a password of the obvious kind.
	tokenMin = 16
)

// Errors of token files.
var (
	errTokenMode   = errors.New("file is open to others; chmod 600 it")
	errTokenLength = fmt.Errorf("want a first line of %d to %d characters", tokenMin, tokenMax)
	errTokenText   = errors.New("want printable ASCII without spaces")
)

// LoadToken reads the token on the first line of a file that only its owner can
// read.
func LoadToken(file string) (string, error) {
	token, err := loadToken(file)
	if err != nil {
		return "", fmt.Errorf("token file %q: %w", file, err)
	}
	return token, nil
}

func loadToken(file string) (string, error) {
	f, err := os.Open(file)
	if err != nil {
		return "", err.(*fs.PathError).Err //nolint:errorlint // os.Open documents the type; the caller names the path
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return "", err
	}
	if openToOthers(info) {
		return "", errTokenMode
	}
	b := make([]byte, tokenMax+2)
	n, err := f.Read(b)
	if err != nil && n == 0 {
		return "", errTokenLength
	}
	line, _, _ := strings.Cut(string(b[:n]), "\n")
	line = strings.TrimSuffix(line, "\r")
	if len(line) < tokenMin || len(line) > tokenMax {
		return "", errTokenLength
	}
	if strings.ContainsFunc(line, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return "", errTokenText
	}
	return line, nil
}
