package wire_test

import (
	"testing"

	"github.com/hearsay-gossip/hearsay/wire"
)

var joinGoldens = []golden{
	{
		name:     "join",
		message:  &wire.Join{Seq: goldenSeq},
		size:     6,
		describe: "join seq=16909060",
		text: `
			0d          ; type
			04          ; length, uvarint
			01 02 03 04 ; seq`,
	},
	{
		name:     "join-ack",
		message:  &wire.JoinAck{Seq: goldenSeq, Status: wire.JoinAccepted},
		size:     7,
		describe: "join-ack seq=16909060",
		text: `
			0e          ; type
			05          ; length, uvarint
			01 02 03 04 ; seq
			01          ; status`,
	},
	{
		name:     "join-ack, full",
		message:  &wire.JoinAck{Seq: goldenSeq, Status: wire.JoinFull},
		size:     7,
		describe: "join-ack seq=16909060 full",
		text: `
			0e          ; type
			05          ; length, uvarint
			01 02 03 04 ; seq
			02          ; status`,
	},
	{
		name:     "leave",
		message:  &wire.Leave{Seq: goldenSeq, ID: bob},
		size:     22,
		describe: "leave seq=16909060 b0b1b2b3",
		text: `
			0f          ; type
			14          ; length, uvarint
			01 02 03 04 ; seq
			b0 b1 b2 b3 b4 b5 b6 b7 b8 b9 ba bb bc bd be bf ; id`,
	},
	{
		name:     "leave-ack",
		message:  &wire.LeaveAck{Seq: goldenSeq},
		size:     6,
		describe: "leave-ack seq=16909060",
		text: `
			10          ; type
			04          ; length, uvarint
			01 02 03 04 ; seq`,
	},
}

func TestJoinGoldens(t *testing.T) { checkGoldens(t, joinGoldens) }

func TestJoinAckStatus(t *testing.T) {
	checkVariants(t, []variant{
		{"status 0", "join-ack", []string{"status", "00"}, "join-ack status"},
		{"status of a later version", "join-ack", []string{"status", "03"}, "join-ack status"},
		{"status 255", "join-ack", []string{"status", "ff"}, "join-ack status"},
	})
}
