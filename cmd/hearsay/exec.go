package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"time"

	"github.com/hearsay-gossip/hearsay/client/api"
)

// killDelay is how long a command may take to end once its time is over.
const killDelay = time.Second

// execute runs a command of the user's shell for a question and returns what it
// prints. What peers say reaches it as its input and environment, never as part
// of the command.
func execute(ctx context.Context, t *terminal, command string, q *api.Question) ([]byte, error) {
	cmd := exec.CommandContext(ctx, shell[0], append(shell[1:], command)...)
	cmd.WaitDelay = killDelay
	cmd.Stdin = bytes.NewReader(q.Payload)
	cmd.Stderr = t.stderr
	cmd.Env = append(os.Environ(), "HEARSAY_QUERY_NAME="+q.Topic, "HEARSAY_QUERY_ASKER="+q.AskerName)
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("command: %w", err)
	}
	return out, nil
}
