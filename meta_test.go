package hearsay

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestMetadataIsSeenByAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := newVirtual(t)
		nodes := v.cluster(10)
		ctx, owner := t.Context(), nodes[3]
		meta := owner.Meta()
		want := map[string][]byte{
			"zone": []byte("eu-1"), "empty": {},
			"large": bytes.Repeat([]byte{7}, 64<<10), // must travel by stream
		}
		for _, key := range slices.Sorted(maps.Keys(want)) {
			if err := meta.Set(ctx, key, want[key]); err != nil {
				t.Fatal(err)
			}
		}
		equal := func(got map[string][]byte) bool {
			return maps.EqualFunc(got, want, bytes.Equal)
		}
		everywhere := func() bool {
			return !slices.ContainsFunc(nodes, func(n *Node) bool { return !equal(n.MetaOf(owner.id)) })
		}
		v.await("three keys everywhere", everywhere)
		if s := nodes[0].Stats(); s.Facts != 3 {
			t.Errorf("%d facts, want 3", s.Facts)
		}
		delete(want, "zone")
		if err := meta.Delete(ctx, "zone"); err != nil {
			t.Fatal(err)
		}
		v.await("a deletion everywhere", everywhere)
		v.await("one root", func() bool {
			root := owner.Stats().Root
			return !slices.ContainsFunc(nodes, func(n *Node) bool { return n.Stats().Root != root })
		})
	})
}

func TestOwnMetadataIsReadAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newVirtual(t).start(1)
		ctx, meta := t.Context(), n.Meta()
		value := []byte("1")
		for _, key := range []string{"b", "a", "c"} {
			if err := meta.Set(ctx, key, value); err != nil {
				t.Fatal(err)
			}
		}
		value[0] = '2' // the caller's again
		got, ok := meta.Get("a")
		if !ok || string(got) != "1" {
			t.Errorf("Get = %q, %v", got, ok)
		}
		got[0] = '3' // a copy
		if got, _ := meta.Get("a"); string(got) != "1" {
			t.Errorf("a reader changed the value to %q", got)
		}
		var keys []string
		for key, value := range meta.All() {
			if keys = append(keys, key+"="+string(value)); len(keys) == 2 {
				break
			}
		}
		if got := fmt.Sprint(keys); got != "[a=1 b=1]" {
			t.Errorf("All begins %s", got)
		}
		closeNode(t, n)
		if got, ok := meta.Get("c"); !ok || string(got) != "1" {
			t.Errorf("Get after Close = %q, %v", got, ok)
		}
		if err := meta.Set(ctx, "a", nil); !errors.Is(err, ErrClosed) {
			t.Errorf("Set after Close = %v, want ErrClosed", err)
		}
	})
}

func TestMetadataIsRefusedWithItsReason(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newVirtual(t).start(1)
		ctx, meta := t.Context(), n.Meta()
		if err := meta.Set(ctx, "", nil); !errors.Is(err, ErrKey) {
			t.Errorf("empty key: %v", err)
		}
		if err := meta.Set(ctx, strings.Repeat("k", 257), nil); !errors.Is(err, ErrKey) {
			t.Errorf("long key: %v", err)
		}
		if err := meta.Set(ctx, "k", make([]byte, 64<<10+1)); !errors.Is(err, ErrValue) {
			t.Errorf("long value: %v", err)
		}
		if err := meta.Delete(ctx, "k"); !errors.Is(err, ErrUnknownKey) {
			t.Errorf("delete of nothing: %v", err)
		}
		if err := meta.CompareAndSwap(ctx, "k", nil, nil); !errors.Is(err, ErrConsensus) {
			t.Errorf("compare and swap: %v", err)
		}
		for i := range 1024 {
			if err := meta.Set(ctx, fmt.Sprint(i), nil); err != nil {
				t.Fatal(err)
			}
		}
		if err := meta.Set(ctx, "one more", nil); !errors.Is(err, ErrKeys) {
			t.Errorf("1,025th key: %v", err)
		}
	})
}

func TestACommandEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newVirtual(t).start(1)
		go func() { _ = n.do(context.Background(), func(*driver) { time.Sleep(time.Minute) }) }()
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := n.Meta().Set(ctx, "k", nil); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Set = %v, want DeadlineExceeded", err)
		}
		if err := n.Retire(ctx, "x"); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Retire = %v, want DeadlineExceeded", err)
		}
		if _, err := n.Leave(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Leave = %v, want DeadlineExceeded", err)
		}
		if got := len(n.Members()); got != 1 {
			t.Errorf("Members waits for the driver: %d", got)
		}
	})
}
