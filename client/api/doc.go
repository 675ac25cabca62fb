// Package api is the JSON of the agent's HTTP interface: what httpapi writes
// and the client reads. It holds shapes and names, and no behaviour but their
// encoding.
//
// All paths are below [Prefix]. Unknown fields are refused in requests, and
// ignored in answers, so that an older client understands a newer agent.
package api

// Prefix is the path that all of hearsay's own endpoints share.
const Prefix = "/v1/hearsay/"

// BodyMax bounds a request's body in bytes. The largest honest one is a value
// of 64 KiB in which JSON escapes every byte sixfold.
const BodyMax = 1 << 20

// TokenHeader carries the token where Authorization cannot be set; the name is
// the one that Consul's tools know.
const TokenHeader = "X-Consul-Token"
