package view

import "errors"

// What a node refuses, for applications to tell apart.
var (
	// ErrClosed: the node was closed, or stopped by itself.
	ErrClosed = errors.New("node is closed")
	// ErrLeft: the node has said goodbye and only answers until it is closed.
	ErrLeft = errors.New("node has left the cluster")
)
