package benchcluster

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"time"
)

// ErrOptions is wrapped by every error about a measurement that cannot be
// made as asked.
var ErrOptions = errors.New("invalid options")

// Options say how large and how long a measurement is. Every field is
// required except Settle.
type Options struct {
	Nodes    int           // at least 2
	Patience time.Duration // the longest wait for full views
	Poll     time.Duration // how often to look for full views: the resolution of full_s
	Settle   time.Duration // between full views and the idle phase; may be 0
	Idle     time.Duration // length of the idle phase
}

// Validate returns everything that is wrong with o, joined.
func (o Options) Validate() error {
	var errs []error
	if o.Nodes < 2 {
		errs = append(errs, fmt.Errorf("%w: %d nodes, need 2 or more", ErrOptions, o.Nodes))
	}
	for _, d := range []struct {
		name  string
		value time.Duration
		least time.Duration
	}{
		{"patience", o.Patience, 1},
		{"poll", o.Poll, 1},
		{"settle", o.Settle, 0},
		{"idle", o.Idle, 1},
	} {
		if d.value < d.least {
			errs = append(errs, fmt.Errorf("%w: %s of %s is too short", ErrOptions, d.name, d.value))
		}
	}
	return errors.Join(errs...)
}

// Run starts c, measures it as o says, and closes it, also after an error. It
// leaves Library, Version and Sealed to the caller. A cluster that never gets
// full views is a result, not an error: FullOK is false and the remaining
// phases are measured all the same.
func Run(ctx context.Context, c Cluster, o Options) (result Result, err error) {
	if err := o.Validate(); err != nil {
		return Result{}, err
	}
	defer func() { err = errors.Join(err, c.Close()) }()

	result.Nodes = o.Nodes
	heap := liveHeap()
	goroutines := runtime.NumGoroutine()

	if err := join(ctx, c, o, &result); err != nil {
		return Result{}, fmt.Errorf("join %d nodes: %w", o.Nodes, err)
	}
	if err := sleep(ctx, o.Settle); err != nil {
		return Result{}, fmt.Errorf("settle %d nodes: %w", o.Nodes, err)
	}
	result.SettleSeconds = o.Settle.Seconds()
	if err := idle(ctx, c, o, &result); err != nil {
		return Result{}, fmt.Errorf("idle %d nodes: %w", o.Nodes, err)
	}

	result.FalseDeaths = c.FalseDeaths()
	result.FullAfter = c.Full()
	result.GoroutinesPerNode = per(runtime.NumGoroutine()-goroutines, o.Nodes)
	result.RSSBytes = resident()
	result.HeapBytesPerNode = per(int64(liveHeap())-int64(heap), o.Nodes)
	return result, nil
}

// join runs the first phase and fills in its fields.
func join(ctx context.Context, c Cluster, o Options, r *Result) error {
	start, err := take(c)
	if err != nil {
		return err
	}
	patience, cancel := context.WithTimeout(ctx, o.Patience)
	defer cancel()

	// NB: the nodes get the outer context. When patience runs out they may
	// go on joining while the later phases are measured.
	if err := c.Start(ctx, o.Nodes); err != nil {
		return err
	}
	r.FullOK = awaitFull(patience, c, o.Poll)
	if err := ctx.Err(); err != nil {
		return err
	}
	end, err := take(c)
	if err != nil {
		return err
	}
	sent := end.traffic.Sub(start.traffic)
	r.FullSeconds = end.at.Sub(start.at).Seconds()
	r.JoinCPUSeconds = (end.cpu - start.cpu).Seconds()
	r.JoinPacketsPerNode = per(sent.Packets, o.Nodes)
	r.JoinBytesPerNode = per(sent.Bytes, o.Nodes)
	r.JoinStreamBytesPerNode = per(sent.StreamBytes, o.Nodes)
	return nil
}

// idle runs the last phase and fills in its rates.
func idle(ctx context.Context, c Cluster, o Options, r *Result) error {
	// Memory is read outside of the two readings, so that the collections it
	// takes are not billed to the nodes.
	before := collect()
	start, err := take(c)
	if err != nil {
		return err
	}
	if err := sleep(ctx, o.Idle); err != nil {
		return err
	}
	end, err := take(c)
	if err != nil {
		return err
	}
	after := collect()

	elapsed := end.at.Sub(start.at).Seconds()
	nodeSeconds := elapsed * float64(o.Nodes)
	sent := end.traffic.Sub(start.traffic)
	r.IdleSeconds = elapsed
	r.PacketsPerNodeSecond = per(sent.Packets, nodeSeconds)
	r.BytesPerNodeSecond = per(sent.Bytes, nodeSeconds)
	r.StreamBytesPerNodeSecond = per(sent.StreamBytes, nodeSeconds)
	r.CPUMicrosPerNodeSecond = per((end.cpu - start.cpu).Microseconds(), nodeSeconds)
	r.AllocsPerPacket = per(after.objects-before.objects, sent.Packets)
	r.AllocBytesPerPacket = per(after.bytes-before.bytes, sent.Packets)
	return nil
}

// awaitFull polls until views are full (true) or ctx ends (false).
func awaitFull(ctx context.Context, c Cluster, poll time.Duration) bool {
	ticker := time.NewTicker(poll)
	defer ticker.Stop()
	for !c.Full() {
		select {
		case <-ctx.Done():
			return false
		case <-ticker.C:
		}
	}
	return true
}

// sleep waits for d or until ctx ends, whose error it returns.
func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}

// per divides, and calls nothing over nothing 0.
func per[N, D int | int64 | uint64 | float64](amount N, share D) float64 {
	if share == 0 {
		return 0
	}
	return float64(amount) / float64(share)
}
