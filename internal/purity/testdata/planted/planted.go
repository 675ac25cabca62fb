package planted // want: package without a package comment

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// ErrFine and the tables are allowed.
var (
	ErrFine = errors.New("planted: fine")
	names   = [...]string{"a", "b"}
	ranks   = map[string]int{"a": 1}
	grid    = [2][2]int{{1, 2}, {3, 4}}

	_ fmt.Stringer = counter(0)
)

var (
	calls   int                     // want: package-level variable calls is written to
	started bool                    // want: package-level variable started is neither an error nor a table
	shared  = new(strings.Builder)  // want: package-level variable shared is neither an error nor a table
	cache   = map[string]int{}      // want: package-level variable cache is written to
	pool    = []int{1}              // want: package-level variable pool is written to
	cells   = [2]struct{ n int }{}  // want: package-level variable cells is written to
	pinned  = [2]int{1, 2}          // want: package-level variable pinned is written to
	scratch []byte                  // want: package-level variable scratch is neither an error nor a table
	swapped = errors.New("swapped") // want: package-level variable swapped is written to
)

type counter int

func (counter) String() string { return "%%p is a percent sign" }

func init() { // want: init function
	calls++
}

type mailbox struct {
	in  chan int   // want: channel type
	out <-chan int // want: channel type
}

func goroutines(m mailbox, done func()) {
	go done() // want: go statement
	select {  // want: select statement
	case n := <-m.in: // want: channel receive
		m.in <- n // want: channel send
	default:
	}
	for range m.out { // want: range over a channel
	}
}

type table map[string]int

func order[M ~map[string]int, L ~[]string](m table, generic M, list L) (sum int) {
	for _, v := range m { // want: range over a map
		sum += v
	}
	for range generic { // want: range over a map
		sum++
	}
	for k := range maps.Keys(m) { // want: maps.Keys outside slices.Sorted*
		sum += len(k)
	}
	keys := maps.Keys[table]                 // want: maps.Keys outside slices.Sorted*
	unsorted := slices.Collect(keys(m))      // the line above was reported
	values := slices.Collect(maps.Values(m)) // want: maps.Values outside slices.Sorted*
	for range maps.All(m) {                  // want: maps.All outside slices.Sorted*
		sum++
	}
	for _, k := range slices.Sorted(maps.Keys(m)) {
		sum += m[k]
	}
	for range list {
		sum++
	}
	for range m { //purity:ok counting does not depend on the order
		sum++
	}
	for range m { //purity:ok // want: range over a map; exception without a reason
		sum++
	}
	sum++ //purity:ok nothing here needs one // want: exception that excuses nothing
	return sum + len(unsorted) + len(values)
}

func writes() {
	cache["a"] = 1
	pool = append(pool, 2)
	cells[0].n++
	swapped = nil
	pinnedCell(&pinned[0])
}

func pinnedCell(*int) {}

func prints(v *int) string {
	return fmt.Sprintf("%d%% %-8p", 1, v) // want: verb %p prints an address
}
