package mutants

// End is how a victim ended, as it prints it.
type End struct {
	Runs      int    `json:"runs"` // the last one caught it, if one did
	Seed      string `json:"seed,omitempty"`
	Invariant string `json:"invariant,omitempty"` // empty: it survived
	What      string `json:"what,omitempty"`
}
