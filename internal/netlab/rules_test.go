package netlab

import "testing"

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
