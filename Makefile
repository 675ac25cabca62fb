# One-line forwards: each target is the command to type without make.
# `make test` needs Go and make, nothing else.

GO   ?= go
TOOL  = $(GO) tool -modfile=tools/go.mod
# executions a fuzz target, some seconds each; a count, since a run by the clock may end in a
# spurious "context deadline exceeded"
FUZZ ?= 50000x
PKG  ?= ./...

.PHONY: test race lint fuzz sim swarm canary mutants model twice bench benchstat e2e golden docs cross test386 fmt

test: ## every gate that needs only Go
	$(GO) test $(PKG)

race: ## the same under the race detector; needs a C compiler
	CGO_ENABLED=1 $(GO) test -race $(PKG)

lint: ## the rules of .golangci.yml; the first run builds the linter
	$(TOOL) golangci-lint run $(PKG)

fuzz: ## each fuzz target for FUZZ executions, from its corpus
	tools/fuzz $(FUZZ) $(PKG)

sim: ## the whole simulation corpus
	$(GO) test ./sim -count=1 -timeout=30m -run TestCorpus -args -corpus=full

swarm: ## random faults for five minutes, on seeds that follow from the commit
	$(GO) run ./cmd/hearsay sim swarm --seed=$$(tools/seed) --for=5m --marks

canary: ## a handful of broken builds, each of which the swarm must catch
	$(GO) run ./sim/mutants/run map-order never-refute heal-off malformed-panics suspicion-zero harmless-memory

mutants: ## every broken build until it is caught; rewrites the table in docs/testing.md
	$(GO) run ./sim/mutants/run -table docs/testing.md

model: ## the model of claims, exhaustively, and its mutants; needs spin and a C compiler
	model/check

twice: ## the same schedules in different builds: equal trace hashes; needs a C compiler
	tools/twice

bench: ## benchmarks of our own packages; compare two runs with benchstat
	$(GO) test -run '^$$' -bench . -benchmem $(PKG)

benchstat: ## make benchstat OLD=file NEW=file
	$(TOOL) benchstat $(OLD) $(NEW)

e2e: ## real processes in network namespaces; needs root, ip and nft
	$(GO) test -tags e2e -count=1 -v ./e2e/... ./internal/netlab/...

golden: ## rewrite the golden files; commit only what you can explain
	tools/golden $(PKG)

docs: ## examples in the documentation, and the rules of the tree
	$(GO) test -run '^Example|^TestTree' $(PKG)

cross: ## build and vet for every platform we support
	tools/cross $(PKG)

test386: ## the core where int has 32 bits
	GOARCH=386 $(GO) test ./member/... ./wire/... ./core/...

fmt:
	$(TOOL) gofumpt -w .
