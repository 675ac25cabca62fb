package stream

import (
	"testing"

	"go.uber.org/goleak"

	"github.com/hearsay-gossip/hearsay/transport"
	"github.com/hearsay-gossip/hearsay/transport/transporttest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var _ interface {
	transport.Transport
	transport.Counting
} = (*Transport)(nil)

func listen(t testing.TB, bind string) *Transport {
	t.Helper()
	tr, err := Listen(t.Context(), bind)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := tr.Close(); err != nil {
			t.Error(err)
		}
	})
	return tr
}

func TestConformance(t *testing.T) {
	transporttest.Run(t, func(t *testing.T) (a, b transport.Transport) {
		return listen(t, "127.0.0.1:0"), listen(t, "127.0.0.1:0")
	})
}
