package tabular

import (
	"encoding/json"
	"errors"
	"math"
	"testing"
	"time"
)

func TestTableAlignsItsColumns(t *testing.T) {
	var table Table
	table.Row("", "simulated", "theory")
	table.Row("rounds", "1.20", Absent)
	table.Row("größe", "10", "")
	want := "        simulated  theory\nrounds       1.20       –\ngröße          10\n"
	if got := table.String(); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}

func TestNumbersHaveTheDigitsTheyDeserve(t *testing.T) {
	for want, got := range map[string]string{
		"1.50":      Fixed(1.5, 2),
		"0.00":      Fixed(-.001, 2),
		"–":         Fixed(math.NaN(), 2),
		"+1.5":      Signed(1.5, 1),
		"0.0":       Signed(.001, 1),
		"-2":        Signed(-2, 0),
		"5.00 %":    Percent(.05),
		"0 %":       Percent(1e-12),
		"0.0025 %":  Percent(.000025),
		"99.999 %":  Percent(.99999),
		"0.012 %":   Rare(.00012),
		"1,000,000": Grouped(1_000_000),
		"999":       Grouped(999),
		"12":        Count(12),
		"100 %":     Percent(1),
		"1 node":    Plural(1, "node"),
		"0 nodes":   Plural(0, "node"),
		"2,000 ns":  Plural(2000, "n"),
		"yes":       YesNo(true),
		"no":        YesNo(false),
		"1.5":       Millis(1500 * time.Microsecond).String(),
		"0.0015":    Seconds(1500 * time.Microsecond).String(),
	} {
		if got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	if Count(-1) != Absent {
		t.Errorf("Count(-1) = %q", Count(-1))
	}
}

func TestNumberWithoutAValueIsNull(t *testing.T) {
	data, err := json.Marshal([]Number{1.0 / 3, 2, Number(math.NaN()), Number(math.Inf(1)), 1e21})
	if want := "[0.3333333,2,null,null,1e+21]"; err != nil || string(data) != want {
		t.Errorf("%s, %v; want %s", data, err, want)
	}
}

type broken struct{}

var errBroken = errors.New("broken")

func (broken) Write([]byte) (int, error) { return 0, errBroken }

func TestPrinterKeepsTheFirstError(t *testing.T) {
	p := &Printer{W: broken{}}
	p.Printf("one")
	p.Printf("two")
	if !errors.Is(p.Err, errBroken) {
		t.Errorf("error %v", p.Err)
	}
}
