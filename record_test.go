package hearsay

import (
	"context"
	"log/slog"
	"sync"
)

// recorder is a log handler that keeps what was written.
type recorder struct {
	mu    sync.Mutex
	lines []slog.Record
}

func (r *recorder) logger() *slog.Logger { return slog.New(r) }

func (r *recorder) Enabled(context.Context, slog.Level) bool { return true }
func (r *recorder) WithAttrs([]slog.Attr) slog.Handler       { return r }
func (r *recorder) WithGroup(string) slog.Handler            { return r }

func (r *recorder) Handle(_ context.Context, line slog.Record) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.lines = append(r.lines, line)
	return nil
}

// count returns how many lines have a message.
func (r *recorder) count(message string) int { return len(r.all(message)) }

// all returns the attributes of the lines with a message, and their time.
func (r *recorder) all(message string) []map[string]any {
	r.mu.Lock()
	defer r.mu.Unlock()
	var found []map[string]any
	for _, line := range r.lines {
		if line.Message != message {
			continue
		}
		attrs := map[string]any{"time": line.Time}
		line.Attrs(func(a slog.Attr) bool {
			attrs[a.Key] = a.Value.Any()
			return true
		})
		found = append(found, attrs)
	}
	return found
}
