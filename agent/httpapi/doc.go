// Package httpapi is the agent's HTTP interface: JSON over the node's public
// API, a stream of events, and what monitoring asks for.
//
// It is meant for tools on the same host, and built so that a browser there is
// no way in:
//
//   - the Host header must name this host, lest a page rebind its own name here
//     (421); see [Config].Hosts;
//   - requests that a browser makes for another site are refused (403), there
//     are no CORS headers, and GET changes nothing;
//   - writes take a bearer token where one is set, and come from this host only
//     where none is;
//   - bodies, headers, times and connections are bounded.
//
// Errors are JSON, with a reason from package client/api for programs.
package httpapi
