// Package e2e tests clusters of real "hearsay agent" processes: on loopback, in
// network namespaces with cuts and loss, against bad input, kills and full
// disks. It has tests only, behind the build tag e2e:
//
//	go test -tags e2e -v ./e2e
//
// The program is built once for a run. Every process is ended by its pid when
// its test ends, and its log is printed if the test failed. The limits in the
// tests are those the protocol promises; what was measured is logged.
package e2e
