package httpapi

import (
	"crypto/sha256"
	"crypto/subtle"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync/atomic"

	"github.com/hearsay-gossip/hearsay/client/api"
)

// protect is what each request passes before it is understood. The order is
// from what costs least.
func (s *Server) protect(next http.Handler) http.Handler {
	origin := http.NewCrossOriginProtection()
	origin.SetDenyHandler(handler(func(http.ResponseWriter, *http.Request) error {
		return refuse(http.StatusForbidden, api.ReasonCrossOrigin, "request was made by a browser for another site")
	}))
	guarded := origin.Handler(handler(func(w http.ResponseWriter, r *http.Request) error {
		if err := s.authorize(r); err != nil {
			if s.token.isSet() {
				w.Header().Set("WWW-Authenticate", "Bearer")
			}
			return err
		}
		r.Body = http.MaxBytesReader(w, r.Body, s.bodyMax(r))
		next.ServeHTTP(w, r)
		return nil
	}))
	return handler(func(w http.ResponseWriter, r *http.Request) error {
		h := w.Header()
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Content-Security-Policy", "default-src 'self'")
		h.Set("Cache-Control", "no-store")
		if !s.hostAllowed(r) {
			return refuse(http.StatusMisdirectedRequest, api.ReasonHost,
				"this host is not called "+quote(r.Host)+"; add the name to http-hosts if it should be")
		}
		guarded.ServeHTTP(w, r)
		return nil
	})
}

// hostAllowed reports whether the Host header names this host. A page that
// rebinds its own name to an address of ours comes with that name; it cannot
// come with a literal address.
func (s *Server) hostAllowed(r *http.Request) bool {
	host := canonicalHost(r.Host)
	if ip, err := netip.ParseAddr(strings.Trim(host, "[]")); err == nil {
		return ip.IsLoopback() || ip.Unmap() == localIP(r) || s.hosts[host]
	}
	return host == "localhost" || s.hosts[host]
}

// canonicalHost returns a host in lower case, without port and final dot.
func canonicalHost(host string) string {
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	return strings.ToLower(strings.TrimSuffix(host, "."))
}

// localIP returns the address at which a request arrived, zero if unknown.
func localIP(r *http.Request) netip.Addr {
	if a, ok := r.Context().Value(http.LocalAddrContextKey).(net.Addr); ok {
		if ap, err := netip.ParseAddrPort(a.String()); err == nil {
			return ap.Addr().Unmap()
		}
	}
	return netip.Addr{}
}

// sameHost reports whether a request was made on this very host: it is from a
// loopback address, or from the address that it was sent to. Such sources cannot
// be forged across a handshake.
func sameHost(r *http.Request) bool {
	ap, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return false
	}
	ip := ap.Addr().Unmap()
	return ip.IsLoopback() || ip == localIP(r)
}

// authorize decides who may read and who may write.
func (s *Server) authorize(r *http.Request) error {
	read := r.Method == http.MethodGet || r.Method == http.MethodHead || r.Method == http.MethodOptions
	probe := r.URL.Path == "/healthz" || r.URL.Path == "/readyz"
	switch {
	case read && (probe || !s.cfg.RequireToken):
		return nil
	case s.token.isSet() && !s.token.matches(bearer(r)):
		return refuse(http.StatusUnauthorized, api.ReasonToken, "a token is needed, and the right one")
	case s.token.isSet() || read && !s.cfg.RequireToken:
		return nil
	case s.cfg.RequireToken:
		return refuse(http.StatusUnauthorized, api.ReasonToken, "a token is needed, and none is set")
	case !sameHost(r):
		return refuse(http.StatusForbidden, api.ReasonRemoteWrite, "without a token only this host may write")
	}
	return nil
}

// bearer returns the token that a request carries.
func bearer(r *http.Request) string {
	const scheme = "Bearer "
	if a := r.Header.Get("Authorization"); len(a) > len(scheme) && strings.EqualFold(a[:len(scheme)], scheme) {
		return a[len(scheme):]
	}
	return r.Header.Get(api.TokenHeader)
}

// token is the one that writes need, as a hash, so that comparing two takes the
// same time whatever they are.
type token struct {
	hash atomic.Pointer[[sha256.Size]byte]
}

func (t *token) set(text string) {
	if text == "" {
		t.hash.Store(nil)
		return
	}
	hash := sha256.Sum256([]byte(text))
	t.hash.Store(&hash)
}

func (t *token) isSet() bool { return t.hash.Load() != nil }

func (t *token) matches(text string) bool {
	want, got := t.hash.Load(), sha256.Sum256([]byte(text))
	return want != nil && subtle.ConstantTimeCompare(want[:], got[:]) == 1
}
