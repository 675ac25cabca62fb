// Package snapshot keeps the state of a node on disk so that a crash at any
// moment, a full disk or a flipped bit costs at most what was not yet
// acknowledged, and never goes unnoticed. It moves opaque records and knows no
// messages.
//
// # Files
//
// A directory holds up to two generations, a lock, and what was found damaged:
//
//	snapshot-0000000000000007            the newest
//	snapshot-0000000000000006            the one before
//	snapshot-0000000000000008.tmp        being written, or left by a crash
//	snapshot-0000000000000005.corrupt-1  set aside for a human, at most four
//	LOCK                                 held by the process that owns them
//
// The number is the generation, in hexadecimal. [Store.Save] writes a
// temporary file, syncs it, renames it, syncs the directory, and only then
// deletes the generation before the last. A file is never synced twice: after
// a failed sync the kernel may have dropped the very pages it could not write
// and report success the next time (Rebello et al., "Can Applications Recover
// from fsync Failures?", ATC 2020), so the next Save starts a new file.
//
// # Layout
//
// Integers are big-endian. A file is a header, records, and an end record:
//
//	offset  width
//	0       8     magic "hearsay" 0x1a; the header stays as it is in every format
//	8       4     format, 1
//	12      16    cluster id
//	28      16    node id
//	44      8     generation, as in the name
//	52      4     CRC-32C of bytes 0..51
//
//	record  4     length n of the payload
//	        1     type, 1..255; 0 is the end record
//	        n     payload; of the end record: the number of records before it, u32
//	        4     CRC-32C of the three, continued from the checksum before them
//
// Since each checksum continues the one before, a sector of an older file does
// not pass for one of this file even where the records happen to line up.
// Zeros never parse as a record: type 0 wants a payload of four bytes.
//
// # Opening
//
// [Open] takes the newest generation with a sound header, reads up to the first
// bad record and cuts there; if nothing is left it takes the generation before.
// It changes nothing but leftover temporary files, so that opening again finds
// the same. The next Save sets damaged files aside. Put what matters most
// first: a cut costs the tail.
package snapshot
