package bakeoff

import "time"

// Section is a part of the suite: cells that share a table.
type Section struct {
	Name  string // of the marks around its table
	Title string
	Cells []Cell
	Seeds int
	// Table renders its rows.
	Table func(rows []Row) string
}

// faults are the settings that every size is tried under.
var faults = []Cell{
	{},
	{Loss: 0.01},
	{Loss: 0.05},
	{Loss: 0.20},
	{Dead: 0.01},
	{Dead: 0.05},
	{Loss: 0.05, Dead: 0.05},
	{Stale: 0.05},
	{Churn: 0.01},
}

// large are those that the largest size is tried under.
var large = []Cell{{}, {Loss: 0.05, Dead: 0.05}, {Stale: 0.05}, {Churn: 0.01}}

// size is the payload of all cells: an invalidation, a key.
const size = 64

// crossed returns each fault on each of some links.
func crossed(nodes int, faults []Cell, links ...Links) []Cell {
	var cells []Cell
	for _, l := range links {
		for _, c := range faults {
			c.Nodes, c.Links, c.Size = nodes, l, size
			cells = append(cells, c)
		}
	}
	return cells
}

// Suite is the whole comparison: some quarter of an hour on two processors. Cells
// of the last two sections are in an earlier one, too.
func Suite() []Section {
	rate := func(nodes int, l Links, seconds int, c Cell) Cell {
		c.Nodes, c.Links, c.Size, c.Rate, c.For = nodes, l, size, 100, time.Duration(seconds)*time.Second
		return c
	}
	load := crossed(1000, []Cell{{Cold: true}, {Senders: 10}, {Senders: 10, Loss: 0.05, Dead: 0.05}}, Far, LAN)
	load = append(load,
		rate(1000, LAN, 2, Cell{}), rate(1000, Far, 2, Cell{}), rate(1000, Far, 2, Cell{Loss: 0.05, Dead: 0.05}),
		rate(1000, Far, 2, Cell{Senders: 10, Loss: 0.01, Ordered: true}), rate(1000, Far, 2, Cell{Churn: 0.01}))
	const seeds = 6 // at 1,000 nodes: events of one setting differ little
	return []Section{
		{Name: "100", Title: "100 nodes", Cells: crossed(100, faults, LAN, Far, WAN), Seeds: 10, Table: Table},
		{Name: "1000", Title: "1,000 nodes", Cells: crossed(1000, faults, LAN, Far, WAN), Seeds: seeds, Table: Table},
		{Name: "load", Title: "1,000 nodes, the first event of an origin, and load", Cells: load, Seeds: 2, Table: Table},
		{
			Name: "5000", Title: "5,000 nodes",
			Cells: append(crossed(5000, large, Far), crossed(5000, large[:1], LAN, WAN)...), Seeds: 2, Table: Table,
		},
		{Name: "brief", Title: "1,000 nodes, 50 ms, in brief", Cells: crossed(1000, faults, Far), Seeds: seeds, Table: Brief},
		{Name: "targets", Title: "Targets", Cells: targetCells(), Seeds: seeds, Table: Targets},
	}
}

// Quick is a small version that visits every kind of fault.
func Quick() []Section {
	cells := crossed(60, faults, Far)
	cells = append(cells, crossed(60, []Cell{{Cold: true}, {Senders: 10, Ordered: true, Loss: 0.05}}, LAN, WAN)...)
	cells = append(cells, Cell{Nodes: 60, Links: LAN, Size: size, Rate: 100, For: time.Second, Loss: 0.05, Ordered: true})
	return []Section{{Name: "quick", Title: "60 nodes", Cells: cells, Seeds: 2, Table: Table}}
}
