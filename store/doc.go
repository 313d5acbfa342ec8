// Package store is where a call is: the nouns, the state picture, the claim, and what is due because of them.
//
// A call walks through these states and ends in exactly one outcome:
//
//	arrives ─▶ waiting ──take, forward──▶ ringing ──accepted──▶ talking ─▶ ended: talked, forwarded, called_back
//	   │         ▲ │ │                       │                     │
//	   │         │ │ │                       │                     ├─ handed over, or the caller to be called back not reached
//	   │         │ │ │                       ├─ no answer, busy, declined, nobody pressed 1, given back
//	   │         └─┼─┼───────────────────────┴─────────────────────┘   (waiting again, next attempt, same place in time)
//	   │           │ └─ voicemail, max_wait, all have passed, the caller's own key ─┐
//	   └───────────┼─ after hours, nobody on duty ──────────────────────────────────┴─▶ recording ─▶ ended: voicemail
//	               └─ caller hangs up ─▶ ended: missed
//
// A caller who asks to be called back hangs up and keeps their place: the call waits on without them (callback.go). It
// ends as tried when they could not be reached twice, or a day after they asked; as missed when nobody has tried by then.
// Before anybody is told of a call that begins to wait, it is taken for the first who stands in line (standing.go).
//
// A caller who waits while nobody could be told of them, by text or in Slack, has people's phones rung, one after the
// other (phones.go). Who presses 1 there has claimed the call like anybody else.
//
// Every transition is one transaction: it reads the call, decides, and writes the call, the indexes and what is now
// due. A webhook is answered after that commit and never talks to the network itself. Whoever does what is due
// (packages voice and bot) sees the change, does it, and records that it was done. A crash between two steps heals
// because what is due is in the store.
//
// Several processes may serve one store. All of them hear webhooks, keep deadlines and do what is due; each deed is done by
// whoever reserves it first. When one of them ends, the others do what it left (process.go).
//
// The keys:
//
//	meta/schema            version of everything below
//	meta/alive             the time, written every few seconds: whether the store takes a change, and when it last did
//	meta/caughtup/<what>   until when something that may have been missed was looked for
//	sid/<CallSid>          the call's ID, so that a repeated incoming webhook finds its call
//	open/<call>            a call that has not ended
//	done/<call>            a call that has; nothing scans these but history
//	at/<time>/<call>       deadline of an open call
//	seen/<answer>          an answer that was given, and its verdict
//	line/<number>          which short codes of a line are in use, or rest
//	last/<number>          the call of a line that ended last
//	from/<number>          the open calls of a caller that were put on hold
//	waits/<number>         how many callers are on hold on a line
//	waited/<number>        how long the calls of a line waited that were taken last
//	busy/<person>          the calls that a person rings for or talks in
//	off/all                who is off duty, and until when
//	standing/all           who stands in line for the next call, the first first
//	quota/<hash>           what has been done of something that is bounded
//	phone/<number>         a person's phone that took none of our last texts
//	due/<kind>/<call>/…    what is to be done
//	gone/<call>            a call whose caller is forgotten; it is dropped once it has ended and nothing is due for it
//	meta/wipe              something was deleted that must not be read from the disk any more
//	meta/wiper             who sees to that, or is about to (forget.go)
//	meta/backup            when the store was last copied to a file
//	meta/copying           the rest was being copied from elsewhere, and that has not come to its end (copy.go)
//	meta/counted           what an older pullphone did not count has been counted
//	process/<name>         a process that has the store open; the backend removes it with the process
//	owner/<name>/<term>    that what a process reserves is its; it outlives one that dies
//
// Call IDs are ULIDs: keys in order of arrival keep a B+tree's pages full.
package store
