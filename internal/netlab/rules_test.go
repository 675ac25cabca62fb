package netlab

import (
	"strings"
	"testing"
)

func TestCutScriptNamesBothPorts(t *testing.T) {
	const want = `add element bridge netlab cut { "p0" . "p1", "p12" . "p3" }` + "\n"
	if got := cutScript([]pair{{0, 1}, {12, 3}}); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestLossScriptReplacesTheRule(t *testing.T) {
	const flush = "flush chain bridge netlab weather\n"
	if got := lossScript(0); got != flush {
		t.Errorf("0 %%: %q", got)
	}
	if got, want := lossScript(20), flush+"add rule bridge netlab weather numgen random mod 100 < 20 drop\n"; got != want {
		t.Errorf("20 %%: %q, want %q", got, want)
	}
}

func TestForwardingPortsCountsBridgePortsOnly(t *testing.T) {
	const report = `[
		{"ifname":"lo"},
		{"ifname":"sw0","linkinfo":{"info_kind":"bridge","info_data":{"forward_delay":0}}},
		{"ifname":"p0","linkinfo":{"info_kind":"veth","info_slave_kind":"bridge","info_slave_data":{"state":"forwarding"}}},
		{"ifname":"p1","linkinfo":{"info_kind":"veth","info_slave_kind":"bridge","info_slave_data":{"state":"disabled"}}},
		{"ifname":"b0","linkinfo":{"info_kind":"veth","info_slave_kind":"bond","info_slave_data":{"state":"forwarding"}}},
		{}
	]`
	if got, err := forwardingPorts([]byte(report)); err != nil || got != 1 {
		t.Errorf("got %d, %v; want 1", got, err)
	}
	if _, err := forwardingPorts([]byte("[{")); err == nil {
		t.Error("half a report was parsed")
	}
}

func TestLocalRouteIsToldFromThePrefix(t *testing.T) {
	const (
		prefix = "fd687361790000000000000000000000 40 00000000000000000000000000000000 00 00000000000000000000000000000000 00000100 00000001 00000000 00000001     eth0\n"
		host   = "fd687361790000000000000000000002 80 00000000000000000000000000000000 00 00000000000000000000000000000000 00000000 00000002 00000000 80200001     eth0\n"
	)
	for table, want := range map[string]bool{
		"":            false,
		prefix:        false,
		prefix + host: true,
		host[:60]:     false,
		strings.Replace(host, "80200001", "00000001", 1): false,
	} {
		if got := hasLocalRoute(table, hostAddr6(1)); got != want {
			t.Errorf("%v, want %v, in:\n%s", got, want, table)
		}
	}
	if hasLocalRoute(prefix+host, hostAddr6(0)) {
		t.Error("another host's route was taken for it")
	}
}
