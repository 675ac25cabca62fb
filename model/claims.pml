/*
 * What a cluster believes of one member: precedence of claims, lives that a
 * crash must not make the member use twice, and refutation. See README.md for
 * what is and is not in it; ./check runs it and its mutants.
 *
 * One subject starts, changes its record, refutes, says goodbye, crashes and
 * starts again. The observers hold a claim each. Records are signed, hence in a
 * set that only the subject adds to; any record ever signed may reach any
 * observer at any time, any number of times, or never. Accusations are not
 * signed: any accusation, true or not, may reach anybody at any time. So loss,
 * delay, reordering, duplication, partitions and lying members are all in it.
 *
 * A claim is one number, the order of which is that of member.Claim.Compare:
 * ((epoch * LIVES) + incarnation) * 4 + state; the first part is called a life.
 */

#ifndef OBSERVERS
#define OBSERVERS 2                    /* enough: see README.md */
#endif
#ifndef CRASHES
#define CRASHES 2
#endif
#ifndef RAISES
#define RAISES 2                       /* incarnations that a run may use */
#endif
#define LIVES (RAISES + 2)             /* one more for the refutation in calm() */

#define LAST ((CRASHES + 2) * LIVES - 1)  /* a life beyond all that can begin */

#define ALIVE 0
#define SUSPECT 1
#define DEAD 2
#define LEFT 3

#define CLAIM(life, state) ((life) * 4 + (state))
#define LIFE(claim) ((claim) / 4)
#define STATE(claim) ((claim) % 4)
#define GONE(claim) (STATE(claim) >= DEAD)
#define IN(set, life) (((set) >> (life)) & 1)

#define DOWN 0
#define BOOTING 1                      /* the epoch of this start is chosen */
#define UP 2
#define LEAVING 3                      /* said goodbye: only answers */

byte phase = DOWN;
byte self;                             /* the subject's life */
byte disk;                             /* the epoch on its disk; 0: never started */
byte crashes;
bool rolled;                           /* the disk was rolled back */
int began, goodbye;                    /* lives in which it signed a record: alive, left */

byte claim[OBSERVERS];                 /* 0: unknown, for there is no epoch 0 */

byte o, life, best;                    /* scratch: 0 between steps */

/* The rules. None is ever set: pan prints the whole expression of an assertion
 * that fails, and so the name of its rule. */
hidden byte life_begins_once, life_was_begun, no_step_back, no_false_alarm;
hidden byte living_is_alive, goodbye_is_final, down_is_gone, gone_alike;

/* sign starts a life. Each is new, or what was said of an old one would be said of
 * this one (invariant M1). Only a disk that was rolled back excuses it. */
inline sign(set, l) {
	assert(rolled || !IN(began | goodbye, l) || life_begins_once);
	set = set | (1 << (l));
	self = l
}

/* believe is the only way to change a claim: to a life that its subject began
 * (M1), and upwards, hence without a revival within one life (M4). */
inline believe(i, c) {
	assert(IN(began | goodbye, LIFE(c)) || life_was_begun);
	assert((c) > claim[i] || no_step_back);
	claim[i] = c
}

/* outdates is whether a record of a life outdates a claim: swim.newer. */
#ifdef INCARNATION_FIRST
#define RANK(l) (((l) % LIVES) * LIVES + (l) / LIVES)
#else
#define RANK(l) (l)
#endif
#ifdef OLDER_LIFE_REVIVES
#define OTHER_LIFE(l, c) (RANK(l) > RANK(LIFE(c)) || GONE(c))
#else
#ifdef DEATH_IS_FINAL
#define OTHER_LIFE(l, c) (RANK(l) > RANK(LIFE(c)) && !GONE(c))
#else
#define OTHER_LIFE(l, c) (RANK(l) > RANK(LIFE(c)))
#endif
#endif
#ifdef TIE_TO_ALIVE
#define SAME_LIFE(s, c) ((s) == ALIVE && STATE(c) != ALIVE)
#else
#define SAME_LIFE(s, c) ((s) == LEFT && STATE(c) != LEFT)
#endif

/* Whether the records of goodbyes are heard by whoever holds it dead. */
#ifdef GOODBYE_UNHEARD_BY_MOURNERS
#define HEARD(s, c) ((s) != LEFT || !GONE(c))
#else
#define HEARD(s, c) true
#endif

/* hear_record is swim.OnRecord at an observer. */
inline hear_record(i, l, s) {
	if
	:: claim[i] == 0 && s == LEFT -> skip        /* a stranger's goodbye */
	:: claim[i] == 0 && s != LEFT -> believe(i, CLAIM(l, s))
	:: claim[i] != 0 && LIFE(claim[i]) == (l) && SAME_LIFE(s, claim[i]) -> believe(i, CLAIM(l, s))
	:: claim[i] != 0 && LIFE(claim[i]) != (l) && OTHER_LIFE(l, claim[i]) && HEARD(s, claim[i]) -> believe(i, CLAIM(l, s))
	:: else -> skip
	fi
}

/* Whether a peer is believed that a dead member was retired, or an operator alone. */
#ifdef RETIREMENT_NOT_PASSED_ON
#define RETIRES(expected) (!(expected))
#else
#define RETIRES(expected) true
#endif

/* hear_accusation is swim.OnAccuse at an observer, and what it finds out itself:
 * a failed probe, a suspicion that ran out. expected says whether the member has
 * been suspect for long. */
inline hear_accusation(i, l, s, expected) {
	if
	:: claim[i] == 0 -> skip
#ifdef UNPROVEN_LIFE_BELIEVED
	:: claim[i] != 0 && (l) > LIFE(claim[i]) -> believe(i, CLAIM(l, s))
	:: claim[i] != 0 && (l) < LIFE(claim[i]) -> skip
#else
	:: claim[i] != 0 && (l) != LIFE(claim[i]) -> skip
#endif
	:: claim[i] != 0 && (l) == LIFE(claim[i]) ->
		if
		:: GONE(claim[i]) && CLAIM(l, s) > claim[i] && RETIRES(expected) -> believe(i, CLAIM(l, s))
#ifndef SUSPECT_FOR_EVER
		:: STATE(claim[i]) == SUSPECT && (s) >= DEAD && (expected) -> believe(i, CLAIM(l, DEAD))
#endif
		:: STATE(claim[i]) == ALIVE -> believe(i, CLAIM(l, SUSPECT))
		:: else -> skip
		fi
	fi
}

/* raise is swim.raiseSelf: the subject refutes, or its record changes. */
inline raise() {
#ifdef REFUTES_IN_THE_SAME_LIFE
	skip
#else
	sign(began, self + 1)
#endif
}

/* Whether a record of its own tells the subject that its disk was rolled back. */
#ifdef OUTRANKS_ITSELF
#define UNKNOWN_OF_SELF(l) ((l) >= self)
#else
#define UNKNOWN_OF_SELF(l) ((l) > self)
#endif

/* outrank is what follows from a later record of its own: swim.onOwnRecord. */
inline outrank(l) {
	assert(rolled || no_false_alarm);
#ifndef NEVER_OUTRANKS
	sign(began, ((l) / LIVES + 1) * LIVES)
#endif
}

/* calm ends a run: no more faults, and everybody exchanges what it holds. */
inline calm() {
	if
	:: phase == UP || phase == LEAVING ->
		o = 0;
		do
		:: o < OBSERVERS ->
			if
			:: phase == UP && UNKNOWN_OF_SELF(LIFE(claim[o])) -> outrank(LIFE(claim[o]))
			:: phase == UP && LIFE(claim[o]) == self && STATE(claim[o]) != ALIVE -> raise()
			:: else -> skip
			fi;
			o++
		:: else -> break
		od;
		o = 0;
		do
		:: o < OBSERVERS && phase == UP ->
			hear_record(o, self, ALIVE);
			assert(claim[o] == CLAIM(self, ALIVE) || living_is_alive);
			o++
		:: o < OBSERVERS && phase == LEAVING ->
			hear_record(o, self, LEFT);
			assert(claim[o] == 0 || claim[o] == CLAIM(self, LEFT) || goodbye_is_final);
			o++
		:: else -> break
		od
	:: else ->
		best = 0; o = 0;
		do
		:: o < OBSERVERS -> best = (claim[o] > best -> claim[o] : best); o++
		:: else -> break
		od;
		o = 0;
		do
		:: o < OBSERVERS && claim[o] != 0 ->
			if
			:: IN(goodbye, LIFE(best)) -> hear_record(o, LIFE(best), LEFT)
			:: else -> hear_record(o, LIFE(best), ALIVE)
			fi;
			hear_accusation(o, LIFE(best), SUSPECT, true);
			hear_accusation(o, LIFE(best), DEAD, true);
			if
			:: STATE(best) == LEFT -> hear_accusation(o, LIFE(best), LEFT, true)
			:: else -> skip
			fi;
			assert(LIFE(claim[o]) == LIFE(best) && GONE(claim[o]) || down_is_gone);
			assert(STATE(best) != LEFT || STATE(claim[o]) == LEFT || gone_alike);
			o++
		:: o < OBSERVERS && claim[o] == 0 -> o++
		:: else -> break
		od
	fi
}

active proctype world() {
	do
	/* A start: the epoch on disk is raised, synced, and used. */
#ifdef NO_EPOCH
	:: d_step { phase == DOWN -> phase = UP; sign(began, LIVES) }
#else
#ifdef EPOCH_USED_BEFORE_SYNC
	:: d_step { phase == DOWN -> phase = UP; sign(began, (disk + 1) * LIVES) }
	:: d_step { (phase == UP || phase == LEAVING) && disk < self / LIVES -> disk = self / LIVES }
#else
	:: d_step { phase == DOWN -> phase = BOOTING; disk = disk + 1 }
	:: d_step { phase == BOOTING -> phase = UP; sign(began, disk * LIVES) }
#endif
#endif
	:: d_step { phase != DOWN && crashes < CRASHES -> phase = DOWN; self = 0; crashes++ }
#ifdef ROLLBACK
	:: d_step { phase == DOWN && disk > 0 && !rolled -> rolled = true; disk = disk - 1 }
#endif

	/* It refutes, moves, or says goodbye, for whatever reason. */
	:: d_step { phase == UP && self % LIVES < RAISES -> raise() }
#ifndef ROLLBACK
	:: d_step { phase == UP && self % LIVES < RAISES -> phase = LEAVING; sign(goodbye, self + 1) }
#endif

	/* Any record that was signed reaches somebody. */
	:: atomic {
		select(o : 0 .. OBSERVERS - 1);
		select(life : LIVES .. LAST);
		if
		:: IN(began, life) -> hear_record(o, life, ALIVE)
		:: IN(goodbye, life) -> hear_record(o, life, LEFT)
		:: else -> skip
		fi;
		o = 0; life = 0
	}
	/* Any accusation does: of the life that the observer knows, of an old one, of
	 * one that nobody has begun. */
	:: atomic {
		select(o : 0 .. OBSERVERS - 1);
		if
		:: life = LIFE(claim[o])
		:: life = LIVES
		:: life = LAST
		fi;
		if
		:: hear_accusation(o, life, SUSPECT, false)
		:: hear_accusation(o, life, DEAD, false)
		:: hear_accusation(o, life, DEAD, true)
		:: hear_accusation(o, life, LEFT, false)
		fi;
		o = 0; life = 0
	}
	:: d_step { calm() } break
	od
}
