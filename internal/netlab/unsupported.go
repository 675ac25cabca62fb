//go:build !linux

package netlab

import (
	"fmt"
	"net/netip"
	"runtime"
)

// namespace stands in for what only Linux has. No lab gets far enough to use it.
type namespace struct{ name string }

func probe() error { return fmt.Errorf("netlab: %s has no network namespaces", runtime.GOOS) }

func sweep() []string                   { return nil }
func killWithin([]namespace) error      { return ErrUnsupported }
func (namespace) create() error         { return ErrUnsupported }
func (namespace) remove() error         { return ErrUnsupported }
func (namespace) do(func() error) error { return ErrUnsupported }

func (namespace) run(string, string, ...string) error { return ErrUnsupported }
func (namespace) ready(netip.Addr) (bool, error)      { return false, ErrUnsupported }

func newBridge(labName, []namespace) (fabric, error) { return nil, ErrUnsupported }

func newTAPSwitch(TB, []namespace, uint64, Path) (fabric, error) { return nil, ErrUnsupported }
