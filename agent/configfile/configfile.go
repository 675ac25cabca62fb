// Package configfile reads the agent's configuration file: TOML, with a key for
// each flag of hearsay agent and the same name. A key that is not one, a value
// of the wrong type and a value that cannot be are errors with file and line:
// a setting that is silently ignored is found out at the worst time.
package configfile

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/pelletier/go-toml/v2"
	"github.com/pelletier/go-toml/v2/unstable"

	"github.com/hearsay-gossip/hearsay"
	"github.com/hearsay-gossip/hearsay/member"
)

// sizeMax bounds a file in bytes. The longest useful one is a page of seeds.
const sizeMax = 1 << 20

// ErrFile wraps what is wrong with a file.
var ErrFile = errors.New("configuration file")

// file has a field for each key. Pointers tell absent from zero.
type file struct {
	Name         *string  `toml:"name"`
	Bind         *string  `toml:"bind"`
	Advertise    *string  `toml:"advertise"`
	Join         []string `toml:"join"`
	Network      *string  `toml:"network"`
	StreamOnly   *bool    `toml:"stream-only"`
	MembersMax   *uint32  `toml:"members-max"`
	MaxEventSize *uint32  `toml:"max-event-size"`
	Secret       *string  `toml:"secret"`
	Data         *string  `toml:"data"`
	Dev          *bool    `toml:"dev"`
	Insecure     *bool    `toml:"insecure"`
	HTTP         *string  `toml:"http"`
	HTTPHosts    []string `toml:"http-hosts"`
	TokenFile    *string  `toml:"token-file"`
	RequireToken *bool    `toml:"require-token"`
	Pprof        *bool    `toml:"pprof"`
	LeaveTimeout *string  `toml:"leave-timeout"`
	LogLevel     *string  `toml:"log-level"`
	LogFormat    *string  `toml:"log-format"`
}

// checks say what the values of some keys, or of their elements, must be.
var checks = map[string]func(string) error{
	"name":          func(v string) error { return member.Name(v).Validate() },
	"bind":          hostPort,
	"http":          hostPort,
	"advertise":     func(v string) error { return node(hearsay.Config{Advertise: v}) },
	"join":          func(v string) error { return node(hearsay.Config{Seeds: []string{v}}) },
	"http-hosts":    hostName,
	"leave-timeout": positive,
	"network":       oneOf("lan", "wan", "local"),
	"log-level":     oneOf("debug", "info", "warn", "error"),
	"log-format":    oneOf("text", "json"),
}

// Load returns the settings in a file by key, as a flag would take them: lists
// are joined by commas. Errors wrap ErrFile.
func Load(path string) (map[string]string, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrFile, err)
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, sizeMax+1))
	if err == nil && len(text) > sizeMax {
		err = fmt.Errorf("over %d bytes", sizeMax)
	}
	if err != nil {
		return nil, fmt.Errorf("%w %s: %w", ErrFile, path, err)
	}
	return Parse(path, text)
}

// Parse is Load of a text; path is for messages.
func Parse(path string, text []byte) (map[string]string, error) {
	var f file
	d := toml.NewDecoder(strings.NewReader(string(text)))
	d.DisallowUnknownFields()
	if err := d.Decode(&f); err != nil {
		return nil, explain(path, err)
	}
	all := settings(&f)
	if err := check(path, text, all); err != nil {
		return nil, err
	}
	out := make(map[string]string, len(all))
	for key, values := range all {
		out[key] = strings.Join(values, ",")
	}
	return out, nil
}

// check returns what is wrong with the values, in the order of the file.
func check(path string, text []byte, all map[string][]string) error {
	var p unstable.Parser
	p.Reset(text)
	var errs []error
	for p.NextExpression() {
		key := p.Expression().Key()
		key.Next()
		rule := checks[string(key.Node().Data)]
		if rule == nil {
			continue
		}
		for _, value := range all[string(key.Node().Data)] {
			if err := rule(value); err != nil {
				line := p.Shape(key.Node().Raw).Start.Line
				errs = append(errs, fmt.Errorf("%w %s:%d: %s %q: %w", ErrFile, path, line, key.Node().Data, value, err))
			}
		}
	}
	return errors.Join(append(errs, p.Error())...)
}

// explain gives each fault its place: "configuration file x.toml:3: …".
func explain(path string, err error) error {
	var strict *toml.StrictMissingError
	if errors.As(err, &strict) {
		var all []error
		for i := range strict.Errors {
			e := &strict.Errors[i]
			line, _ := e.Position()
			all = append(all, fmt.Errorf("%w %s:%d: unknown key %q", ErrFile, path, line, strings.Join(e.Key(), ".")))
		}
		return errors.Join(all...)
	}
	var fault *toml.DecodeError
	if errors.As(err, &fault) {
		line, _ := fault.Position()
		what := strings.TrimPrefix(fault.Error(), "toml: ")
		if key := strings.Join(fault.Key(), "."); key != "" {
			what = key + ": " + what
		}
		return fmt.Errorf("%w %s:%d: %s", ErrFile, path, line, what)
	}
	return fmt.Errorf("%w %s: %w", ErrFile, path, err)
}

// settings returns the values of the fields that are there.
func settings(f *file) map[string][]string {
	all := make(map[string][]string)
	v := reflect.ValueOf(f).Elem()
	for i := range v.NumField() {
		field, key := v.Field(i), v.Type().Field(i).Tag.Get("toml")
		switch {
		case field.IsNil():
		case field.Kind() == reflect.Slice:
			all[key] = field.Interface().([]string)
		default:
			all[key] = []string{fmt.Sprint(field.Elem().Interface())}
		}
	}
	return all
}

// Keys returns the names of all keys, in the order of the documentation.
func Keys() []string {
	t := reflect.TypeFor[file]()
	keys := make([]string, t.NumField())
	for i := range keys {
		keys[i] = t.Field(i).Tag.Get("toml")
	}
	return keys
}

func hostPort(v string) error {
	if _, _, err := net.SplitHostPort(v); err != nil {
		return errors.New("want host:port")
	}
	return nil
}

// node asks the node's own rules about one setting.
func node(cfg hearsay.Config) error {
	cfg.Name, cfg.Insecure = "x", true
	return cfg.Validate()
}

func hostName(v string) error {
	if v == "" || strings.ContainsAny(v, ", /") {
		return errors.New("want a host name")
	}
	return nil
}

func oneOf(choices ...string) func(string) error {
	return func(v string) error {
		if !slices.Contains(choices, v) {
			return errors.New("want one of " + strings.Join(choices, ", "))
		}
		return nil
	}
}

func positive(v string) error {
	if d, err := time.ParseDuration(v); err != nil || d <= 0 {
		return errors.New("want a positive duration such as 5s")
	}
	return nil
}
