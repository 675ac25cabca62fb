package swarm

import (
	"errors"
	"testing"
)

func TestSyntaxErrorsSayWhereAndWhat(t *testing.T) {
	for text, want := range map[string]string{
		"":                               "1:1: it ends in the middle of the schedule",
		"{\n \"nodes\": 3":               "2:12: it ends in the middle of the schedule",
		"{\n \"nodes\": 3,\n}":           "3:1: invalid character '}' looking for beginning of object key string",
		"{\n \"nodes\": \"many\"\n}":     "2:17: nodes: want a whole number, not a text",
		"{\n \"horizon\": \"soon\"\n}":   `2:13: "soon" is not a time such as "12.4s"`,
		"{\n \"seed\": \"moon\"\n}":      `2:10: "moon" is not a random seed such as "0x9f3c5a10"`,
		"{\n \"horizon\": 3\n}":          `2:14: horizon: want a time such as "12.4s", not a number`,
		"{\n \"buggify\": \"x\"\n}":      "2:16: buggify: want a list, not a text",
		"{\n \"faults\": [{\"op\": 1}]}": "2:21: faults.op: want a text, not a number",
		"{\n \"moon\": 1\n}":             `2:2: a schedule has no "moon"`,
		"[]":                             "1:2: want a schedule, not a list",
		"{} {}":                          "1:3: there is more than one schedule",
	} {
		_, err := Parse([]byte(text))
		var syntax *SyntaxError
		if !errors.As(err, &syntax) || !errors.Is(err, ErrSchedule) {
			t.Errorf("%q: error %v", text, err)
			continue
		}
		if err.Error() != want {
			t.Errorf("%q:\n got %s\nwant %s", text, err, want)
		}
	}
}
