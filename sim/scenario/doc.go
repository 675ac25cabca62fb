// Package scenario tells simulated clusters what to suffer, and reports how they
// bore it.
//
// A scenario is a text of lines. A # begins a comment. The first lines may set
// up the cluster; whoever runs the scenario may override them:
//
//	nodes 64             how many; numbered 1 to 64
//	profile lan          timing and network: lan, wan, local
//	latency 200us        least time one way
//	jitter 600us         added evenly, drawn for each packet
//	loss 5%              share of datagrams lost
//	duplicate 1%         share of datagrams that arrive twice
//	cost 20us            processor time for each packet sent or received, one
//	                     after another
//	begin formed         time 0 is when all have met and come to rest; or
//	begin empty          nobody runs at time 0
//
// Every other line begins with its time and says what happens then:
//
//	at 10s WORD …        10 s after time 0, or, if that has passed while an
//	                     earlier line waited, when that line is done
//	after 5s WORD …      5 s after the line before is done
//	then WORD …          when the line before is done
//	at 10s every 30s until 5m WORD …
//	                     at 10 s, 40 s and so on, before 5 min have passed; the
//	                     lines below do not wait for it
//
// The words are
//
//	start SET [over 5s]             run nodes, at random moments within 5 s
//	kill SET [for 20s]              crash; start again after 20 s
//	pause SET [for 20s]             freeze: timers stand still, packets wait
//	resume SET                      end a pause
//	leave SET                       say goodbye
//	cut SET | SET [for 20s]         no packet passes between them, either way
//	cut SET -> SET [for 20s]        none passes from the first to the second
//	isolate SET [for 20s]           cut SET | rest
//	heal                            end all cuts and all loss of single links
//	slow SET by 50ms [for 20s]      each input takes that long; 0s ends it
//	loss 20% [for 20s]              of all datagrams; 0% ends it
//	loss 20% SET -> SET [for 20s]   of those from the first to the second
//	latency 50ms [jitter 10ms]      of all packets
//	churn SET every 10s down 5s until 5m
//	                                at 10s every 10s until 5m kill SET for 5s
//	let NAME = SET                  name a set as it is now
//	set SET KEY VALUE               each writes an own fact
//	delete SET KEY                  each deletes it
//	broadcast 64B from SET          each broadcasts one event of 64 bytes
//	write 64B from SET              each writes one fact of 64 bytes
//	mark NAME                       report traffic from here on under a name
//	expect CONDITION                fail the run unless it holds now
//	expect CONDITION within 20s     wait for it for so long
//	end                             end the run here, on the last line
//
// No node may stand on both sides of a cut.
//
// A size is in B, KiB or MiB: up to 4 MiB of an event, which is told once and kept
// for repair for a while, and up to 64 KiB of a fact, which its owner keeps.
//
// A SET is one of
//
//	7   {1..8, 12, 60..n}           by number; n is the last
//	first 25%   last 3              by order
//	any 3   any 5%   any 2 of SET   drawn by chance from those that are up
//	all   up   down   frozen        by state, when the line is run
//	rest                            after | or ->: all that are not in the first
//	NAME                            as named by let
//
// A share of nodes is rounded, and is at least one node. A CONDITION is one of
//
//	converged       every running node holds alive exactly those that run and
//	                that it is connected to; a suspect counts as alive, and
//	                frozen nodes are not asked and may be held either way
//	agreed          all running nodes know the same (equal roots)
//	reached 99%     that share of live nodes knows each fact of broadcast, write
//	                and set
//	alive SET   dead SET   left SET
//	                so hold all that run, are not frozen and not in SET
//	false-positives <= 0
//	suspicions, verdicts, missed, refused, copies, packets, bytes
//	                likewise with < <= = >= >; packets and bytes are per node
//	                and second since time 0, copies per node and payload; missed
//	                are events that a node gave up, refused those that their
//	                origin did not take
//
// [Parse] reports every mistake with its line and column. [Run] plays a script
// on one random seed; the same seed gives the same run.
package scenario
