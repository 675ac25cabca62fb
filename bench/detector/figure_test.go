package main

import "testing"

func TestSummariesTellTheirKind(t *testing.T) {
	made := func(k kind, values ...float64) []figure {
		var list []figure
		for _, v := range values {
			f := figure{Kind: k, Name: "x"}
			if v >= 0 { // a negative one stands for never
				f.Value = &v
			}
			list = append(list, f)
		}
		return append(list, figure{Kind: k, Name: "other"})
	}
	for _, c := range []struct {
		k      kind
		values []float64
		want   string
	}{
		{seconds, []float64{3, 1, 2}, "2.0 / 3.0 / 3.0"},
		{seconds, []float64{1, 2, -1}, "2.0 / never; never in 1 of 3"},
		{seconds, []float64{-1, -1}, "never (2 of 2)"},
		{seconds, nil, "–"},
		{count, []float64{0, 0}, "0"},
		{count, []float64{1500, 0}, "1,500 (0–1,500)"},
		{count, []float64{7}, "7"},
		{rate, []float64{1, 2}, "1.50 (1.00–2.00)"},
		{rate, []float64{2, 2}, "2.00"},
	} {
		if got := summarize(c.k, "x", made(c.k, c.values...)).String(); got != c.want {
			t.Errorf("%s of %v is %q, want %q", c.k, c.values, got, c.want)
		}
	}
}

func TestQuantilesAreValuesThatOccurred(t *testing.T) {
	values := make([]float64, 200)
	for i := range values {
		values[i] = float64(i + 1)
	}
	for _, c := range []struct {
		all  int
		p    float64
		want float64
	}{{200, 0.5, 100}, {200, 0.99, 198}, {202, 0.99, 200}, {200, 1, 200}} {
		if got := quantile(values, c.all, c.p); got == nil || float64(*got) != c.want {
			t.Errorf("%v of %d is %v, want %v", c.p, c.all, got, c.want)
		}
	}
	if got := quantile(values, 203, 0.99); got != nil {
		t.Errorf("a value that never came about is %v", *got)
	}
}
