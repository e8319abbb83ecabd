/*
 * The lock's protocol, for spin. docs/lock-protocol.md tells what is here,
 * what is left out, and what each rule is good for.
 *
 * A step (one atomic) is one statement as the server runs it, or one decision
 * of the program between two of them. A comment that begins with "code:"
 * names the function that the steps below it are taken from; a test holds
 * that the function is there.
 *
 *   -DSTMT     the engine commits each statement by itself (DDL on MySQL, a
 *              file without a transaction); else each migration is one
 *              transaction, with the fence last
 *   -DDENIED   nobody may end another's session (SQLite, or a missing right)
 *   -DNO_...   one rule is left out: a violation must be found
 */

#ifdef STMT
#define M 1           /* migrations, with S statements each */
#define S 2
#else
#define M 2           /* migrations, a transaction each */
#define S 1
#endif
#ifndef FAULTS
#define FAULTS 2      /* how many faults the adversary has */
#endif
#ifndef HAND
#define HAND 2        /* how many updates by hand */
#endif

/* Sessions, and the programs behind them. */
#define A 1           /* a run */
#define B 2           /* another */
#define U 3           /* unlock, at any time */
#define W 4           /* unlock --force by whoever is called in the end */
#define L 5           /* the run after that, which must get the lock */
#define NS 6

mtype = { RUNNING, FAILED, RELEASED, FORCED };     /* lock.State */
mtype = { FREE, ALIVE, GONE, KEPT, BYHAND };       /* lock.Verdict */
mtype = { RUNS, STOPPED, CRASHED };                /* a program */

/* dbwarden_lock */
bool locked;
byte token;
byte runId;             /* run_id; 0: NULL */
byte sessionId;         /* session_id; 0: NULL */
mtype state;
bool releasedAt;      /* release_at IS NOT NULL */
byte rowlock;         /* the session whose open transaction has the row */

byte native;          /* the session that has the native lock; 0: free */

/* dbwarden_migrations and dbwarden_journal */
byte applied;         /* migrations in the history */
byte started, done;   /* statements of the next one: begun, and done */
bool open;            /* an attempt is open */

/* the server's sessions */
bool dead[NS];        /* it has ended */
bool killed[NS];      /* it was told to end */
bool busy[NS];        /* it is at work: in a statement, or in a transaction */
bool inside[NS];      /* a statement is in flight */
bool hung[NS];        /* that statement never ends by itself */
bool refused[NS];     /* the last statement was refused, or cancelled */
byte at[NS];          /* which one it is */
byte ensuring;        /* who creates our tables */

/* the programs */
mtype client[NS];
bool stop[NS];        /* it was asked to stop: SIGTERM */
bool lost[NS];        /* its watcher has seen that the hold is gone */
bool over[NS];        /* it has ended in good order */
bool got[NS];         /* it had the lock */

/* what nobody in the system knows: for the assertions */
bool taken[NS];       /* the hold of this run was taken from it */
bool holds[NS];       /* this run has a hold */
byte effects[2];      /* how often each statement took effect */
byte highest;         /* token ever given */
bool frozen;          /* the row was locked by hand */
byte extra[NS];       /* statements begun after the hold was taken */

byte faults = FAULTS, hands = HAND;
bool bad = true;      /* one statement may still be refused */
bool last;            /* the end has begun: no more faults */

#define GO (client[me] == RUNS)
#ifdef STMT
#define HALF (applied == 0 && effects[0] + effects[1] > 0)
#else
#define HALF false
#endif

/* code: lock.Lock.judge */
#ifdef NO_RELEASED_AT
#define RELEASED_BEFORE(at) false
#else
#define RELEASED_BEFORE(at) (at)
#endif
#ifdef NO_SAME_SESSION
#define HAS_IT(sessionId, owner) (owner != 0)
#else
#define HAS_IT(sessionId, owner) (owner != 0 && owner == sessionId)
#endif
#define JUDGE(locked, state, at, sessionId, owner) \
	(!(locked) -> FREE : \
	((state) == 0 || (state) == RELEASED || (state) == FORCED || RELEASED_BEFORE(at) -> BYHAND : \
	(HAS_IT(sessionId, owner) -> ALIVE : \
	((state) == FAILED -> KEPT : GONE))))

/* code: lock.Hold.Fence */
#ifdef NO_FENCE
#define FENCE true
#else
#define FENCE (locked && !RELEASED_BEFORE(releasedAt) && runId == me && token == mine)
#endif

/* code: lock.Hold.Release, lock.Hold.Keep: the row is still this hold's */
#ifdef NO_COMPARE_OWN
#define OURS locked
#else
#define OURS (locked && !RELEASED_BEFORE(releasedAt) && runId == me && token == mine)
#endif

inline endSession(i) {
	dead[i] = true; killed[i] = false; busy[i] = false; inside[i] = false; hung[i] = false;
	if :: native == i -> native = 0 :: else fi;
	if :: rowlock == i -> rowlock = 0 :: else fi;
	if :: ensuring == i -> ensuring = 0 :: else fi
}

inline noLongerHolds() {
	if :: runId != 0 -> taken[runId] = true; holds[runId] = false :: else fi
}

inline riseToken() {
#ifndef NO_RISE
	token++;
#endif
	assert(token > highest);       /* tokens only rise */
	highest = token
}

/* The row is written for a run. */
inline take() {
	noLongerHolds();
	riseToken();
	locked = true; runId = me; sessionId = me; state = RUNNING; releasedAt = false;
	mine = token; holds[me] = true; taken[me] = false
}

/* code: lock.Lock.ensure, journal.Journal.Ensure */
inline ensure() {
	atomic { GO -> if :: dead[me] :: else -> assert(ensuring == 0); ensuring = me fi };
	atomic { GO -> if :: ensuring == me -> ensuring = 0 :: else fi }
}

/* code: engine.NativeLock.Free */
inline freeNative() {
	atomic { GO -> if :: native == me -> native = 0 :: else fi }
}

/*
 * A run: migrate, with or without --recover.
 */
proctype Run(byte me; bool recover) {
	byte mine, other, s;
	byte next;            /* the migration, or the statement, that is next */
	byte seenToken, seenRun;
	bool from;            /* lock.Hold.From: taken over */
	bool partial, ran, half, doubt;
	mtype v;
	{
	/* code: warden.Warden.run, warden.Warden.plan: is there anything to do? */
	atomic { GO -> next = (S > 1 -> done : applied); if :: applied == M -> goto end :: else fi };

	/* code: lock.Lock.Acquire, lock.Lock.try, engine.NativeLock.Try */
acquire:
	atomic {
		if
		:: GO && (dead[me] || stop[me]) -> goto end
#ifdef NO_NATIVE
		:: GO && !dead[me] -> skip
#else
		:: GO && !dead[me] && native == 0 -> native = me
		/* code: lock.Lock.Inspect: gone or kept; waiting would not help */
		:: GO && !recover && native != 0 && (JUDGE(locked, state, releasedAt, sessionId, native) == GONE || JUDGE(locked, state, releasedAt, sessionId, native) == KEPT) -> goto end
#ifndef DENIED
#ifndef NO_END_RELEASED
		/* code: lock.Lock.endReleased */
		:: GO && native != 0 && !killed[native] && !locked && runId != 0 && state == RUNNING && sessionId == native -> other = native; goto evict
#endif
#endif
#endif
		fi
	};
	goto takeRow;
evict:
	/* code: engine.NativeLock.Evict: whoever has it by now, only that session */
	atomic { GO -> if :: native == other -> killed[other] = true :: else fi; other = 0; goto acquire };

	/* code: lock.Lock.takeRow */
takeRow:
	ensure();
	/* code: lock.Lock.claim */
	atomic {
		GO && (rowlock == 0 || dead[me]) ->
		if
		:: dead[me] -> goto end
		:: else ->
			half = HALF;
			if
			:: !locked -> take(); if :: stop[me] -> goto unclaim :: goto claimed fi
			:: locked -> goto read
			fi
		fi
	};
unclaim:
	/* code: lock.Lock.unclaim: the answer was not waited for */
#ifndef NO_UNCLAIM
	atomic {
		GO && (rowlock == 0 || dead[me]) ->
		if
		:: !dead[me] && OURS -> locked = false; releasedAt = true; runId = 0; sessionId = 0; state = RELEASED; holds[me] = false
		:: else
		fi
	};
#endif
	goto end;
claimed:
	atomic { GO -> if :: dead[me] -> goto end :: !dead[me] && OURS -> goto held :: else -> goto read fi };
read:
	atomic {
		GO ->
		if
		:: dead[me] -> goto end
		:: else -> v = JUDGE(locked, state, releasedAt, sessionId, 0); seenToken = token; seenRun = runId
		fi;
		if
		:: v == GONE || v == KEPT -> if :: recover -> goto recover_ :: else -> goto end fi
		:: else
		fi
	};
	freeNative();
	/* Frozen: somebody has to lift it. */
	atomic { GO && (!locked || runId != seenRun || token != seenToken) -> seenRun = 0; seenToken = 0; v = 0; goto acquire };

	/* code: lock.sameHold */
recover_:
	atomic {
		GO && (rowlock == 0 || dead[me]) ->
		if
		:: dead[me] -> goto end
#ifdef NO_SAME_HOLD
		:: !dead[me] && locked ->
#else
		:: !dead[me] && locked && !RELEASED_BEFORE(releasedAt) && runId == seenRun && token == seenToken ->
#endif
			assert(!frozen);                                       /* a freeze is nobody's to take over */
			assert(runId == 0 || dead[runId] || client[runId] == CRASHED || over[runId] || state == FAILED);  /* nor a living hold */
			take(); from = true; seenRun = 0; seenToken = 0; v = 0
		:: else -> seenRun = 0; seenToken = 0; v = 0; goto retry
		fi;
		goto held
	};
retry:
	freeNative();
	goto acquire;

held:
	got[me] = true;
	/* code: warden.Warden.planUnder, plan.Unfinished, journal.Writer.TakenOver */
	atomic {
		GO ->
		if
		:: dead[me] -> goto end
		:: else
		fi;
#ifndef NO_REPLAN
		next = (S > 1 -> done : applied);
		if :: applied == M -> goto release :: else fi;
#endif
		partial = open; doubt = (started > done);
#ifdef STMT
		if :: doubt -> doubt = false; if :: from -> goto keep :: else -> goto release fi :: else fi
#endif
	};

	/* code: warden.Warden.walk, warden.runner.run, engine.RunPlain */
work:
	atomic {
		GO ->
		if
		:: dead[me] || lost[me] -> goto end
		:: !dead[me] && !lost[me] && stop[me] ->
			/* Nothing of this migration was begun. */
#ifdef STMT
			if :: partial -> goto keep :: else fi;
#endif
#ifdef NO_RAN
			if :: from -> goto keep :: else -> goto release fi
#else
			if :: from && !ran -> goto keep :: else -> goto release fi
#endif
		:: else
		fi
	};
#ifdef STMT
	/* code: journal.Writer.Start */
	atomic {
		GO && (rowlock == 0 || dead[me]) ->
		if
		:: dead[me] -> goto end
		:: !dead[me] && FENCE ->
			assert(!taken[me]);                /* nothing is begun after the hold was taken */
#ifndef NO_START
			started = next + 1;
#endif
			open = true
		:: else -> goto end
		fi
	};
#endif
	/* code: engine.Plain.Execute */
	atomic {
		GO ->
		if
		:: dead[me] -> goto end
		:: else ->
			s = 1;
			do
			:: s < NS -> assert(s == me || !busy[s]); s++       /* two never run together */
			:: else -> break
			od;
			s = 0;
			if
			:: taken[me] -> extra[me]++; assert(extra[me] <= 1);  /* the one whose fence was passed before */
				assert(!(holds[A] && me != A) && !(holds[B] && me != B) && !(holds[L] && me != L))  /* and no successor is there */
			:: else
			fi;
			ran = true; busy[me] = true; inside[me] = true; at[me] = next; refused[me] = false
		fi
	};
	atomic { GO && (!inside[me] || dead[me]) -> if :: dead[me] -> goto end :: !dead[me] && refused[me] -> goto fail :: else fi };
#ifdef STMT
	/* code: journal.Writer.Done, journal.Writer.Record */
	atomic {
		GO && (rowlock == 0 || dead[me]) ->
		if
		:: dead[me] -> goto end
		:: !dead[me] && FENCE ->
			assert(!taken[me]);
			done = next + 1; next++; partial = true;
			if :: next == S -> applied++; started = 0; done = 0; open = false; goto release :: else -> goto work fi
		:: else -> goto end
		fi
	};
#else
	/* code: journal.Writer.Record: history and fence, last before COMMIT */
	atomic {
		GO && (rowlock == 0 || dead[me]) ->
		if
		:: dead[me] -> goto end
		:: !dead[me] && FENCE -> rowlock = me
		:: else -> goto end
		fi
	};
	atomic {
		GO ->
		if
		:: dead[me] -> goto end
		:: else ->
			assert(!taken[me]);                /* nothing commits after its release */
			effects[at[me]]++;
			assert(effects[at[me]] <= 1);      /* nothing is applied twice */
			applied = next + 1; next++; rowlock = 0; busy[me] = false;
			if :: next == M -> goto release :: else -> goto work fi
		fi
	};
#endif

fail:
	/* code: warden.runner.fail, warden.runner.note, journal.Writer.Failed, journal.Writer.Aborted */
	atomic {
		GO && (rowlock == 0 || dead[me]) ->
		busy[me] = false;
		if
		:: dead[me] || lost[me] -> goto end
		:: !dead[me] && !lost[me] && FENCE ->
#ifdef STMT
			started = done;
			if :: partial -> goto keep :: else -> open = false fi
#endif
			;
			goto release
		:: else -> goto end
		fi
	};

	/* code: warden.Warden.letGo, lock.Hold.Release */
release:
#ifdef NATIVE_FIRST
	freeNative();
#endif
	atomic {
		GO && (rowlock == 0 || dead[me]) ->
		if
		:: !dead[me] && OURS ->
			assert(!frozen);                                /* a freeze is lifted by people alone */
			assert(!HALF || half && !from && !ran);         /* half done is never left unlocked */
			locked = false; releasedAt = true; runId = 0; sessionId = 0; state = RELEASED; holds[me] = false
		:: else
		fi
	};
	freeNative();
	goto end;

	/* code: lock.Hold.Keep */
keep:
#ifdef NO_KEEP
	goto release;
#endif
	atomic {
		GO && (rowlock == 0 || dead[me]) ->
		if
		:: !dead[me] && OURS ->
			assert(HALF || from && !ran);                   /* kept when there is a reason, and only then */
			state = FAILED; holds[me] = false
		:: else
		fi
	};
	freeNative();

	/* code: engine.Session.Close */
end:
	atomic {
		GO ->
		/* Nobody who ends in good order, on a session that lives, leaves the lock as if it ran. */
		assert(dead[me] || !(locked && runId == me && token == mine && state == RUNNING && !taken[me]));
		endSession(me); over[me] = true; holds[me] = false
	}
	} unless { client[me] == CRASHED };
	forget: d_step {
		mine = 0; other = 0; s = 0; next = 0; seenToken = 0; seenRun = 0; from = false; partial = false; ran = false; half = false; doubt = false; v = 0;
		stop[me] = false; lost[me] = false; refused[me] = false; extra[me] = 0
	}
}

/*
 * unlock, with or without --force.
 */
proctype Unlock(byte me; bool force) {
	byte owner, seenToken, seenRun, seenSession;
	byte look;
	mtype v;
	{
	look = 0;
	/* code: lock.Lock.Break, lock.Lock.Inspect: the row, then the native lock */
again:
	atomic {
		GO ->
		if
		:: dead[me] || !locked -> goto end
		:: else -> v = JUDGE(locked, state, releasedAt, sessionId, 0); seenToken = token; seenRun = runId; seenSession = sessionId
		fi
	};
	atomic {
		GO ->
		owner = native; look++;
		if
		:: v == GONE && look < 2 && !HAS_IT(seenSession, owner) -> goto again
		:: else
		fi;
#ifndef NO_SAME_SESSION
		/* code: lock.Lock.another */
		if :: owner != seenSession -> owner = 0 :: else fi;
#endif
		if
		:: owner != 0 && !force -> goto end
		:: else
		fi
	};
	/* code: engine.NativeLock.Evict */
	if
	:: owner != 0 ->
#ifdef DENIED
		goto end;
#endif
		atomic {
			GO ->
			if
			:: native == owner ->
				assert(owner == seenSession);        /* it ends nobody but the one it found */
				killed[owner] = true
			:: native != 0 && native != owner -> goto end
			:: native == 0
			fi
		};
		atomic { GO && native != owner -> owner = 0 }
	:: owner == 0
	fi;
	/* code: lock.Lock.takeFrom */
#ifndef NO_UNLOCK_NATIVE
	atomic { GO && (dead[me] || native == 0) -> if :: dead[me] -> goto end :: else -> native = me fi };
#endif
	ensure();
	/* code: lock.Lock.release, lock.Lock.write */
	atomic {
		GO && (rowlock == 0 || dead[me]) ->
		if
		:: dead[me] -> goto end
#ifdef NO_COMPARE
		:: !dead[me] && locked ->
#else
		:: !dead[me] && locked && runId == seenRun && token == seenToken ->
#endif
			assert(runId == seenRun && token == seenToken);     /* never a newer holder's */
			noLongerHolds(); riseToken();
			locked = false; releasedAt = true; state = FORCED; frozen = false
		:: else
		fi
	};
	freeNative();
end:
	atomic { GO -> endSession(me); over[me] = true }
	} unless { client[me] == CRASHED };
	d_step { owner = 0; seenToken = 0; seenRun = 0; seenSession = 0; look = 0; v = 0 }
}

/*
 * The server: statements end, and sessions do.
 */
#define EACH(f) f(A) f(B) f(U) f(W) f(L)
#define RUNS_(f) f(A) f(B) f(L)

inline finish(i) {
	inside[i] = false;
	if
	:: refused[i] = false
	:: bad && !last -> bad = false; refused[i] = true
	fi;
#ifdef STMT
	busy[i] = false;
	if
	:: !refused[i] -> effects[at[i]]++; assert(effects[at[i]] <= 1)      /* nothing is applied twice */
	:: else
	fi
#endif
}

/* Cut short: it may have taken effect, where it commits by itself. */
inline cut(i) {
	if
	:: inside[i] ->
		inside[i] = false; hung[i] = false; refused[i] = true;
#ifdef STMT
		busy[i] = false;
		if
		:: skip
		:: !last -> effects[at[i]]++; assert(effects[at[i]] <= 1); refused[i] = false
		fi
#endif
	:: else
	fi
}

#define STATEMENT_ENDS(i) :: atomic { inside[i] && !hung[i] && !killed[i] -> finish(i) }
#define SESSION_KILLED(i) :: atomic { killed[i] && !dead[i] -> cut(i); endSession(i) }
#define SESSION_CRASHED(i) :: atomic { client[i] == CRASHED && !dead[i] && !inside[i] -> endSession(i) }
#ifdef NO_LIMITS
#define SESSION_SILENT(i)
#else
/* code: engine.Limits.WithDefaults: a silent session is ended by the server */
#define SESSION_SILENT(i) :: atomic { client[i] == STOPPED && !dead[i] && !inside[i] -> endSession(i) }
#endif

active proctype Server() {
end:
	do
	RUNS_(STATEMENT_ENDS)
	EACH(SESSION_KILLED)
	EACH(SESSION_CRASHED)
	EACH(SESSION_SILENT)
	od
}

/* A run that was asked to stop cancels its statement. */
#define STOPS(i) :: atomic { stop[i] && client[i] == RUNS && inside[i] && !killed[i] -> cut(i) }

/* code: lock.Watcher.look, lock.Hold.held */
#ifdef NO_WATCHER
#define LOOK(i)
#else
#define LOOK(i) :: atomic { client[i] == RUNS && got[i] && !over[i] && !lost[i] && !dead[i] && taken[i] && inside[i] -> lost[i] = true; cut(i); refused[i] = true }
#endif

active proctype Watcher() {
end:
	do
	RUNS_(STOPS)
	RUNS_(LOOK)
	od
}

/*
 * The adversary.
 */
#define MAY (faults > 0 && !last)
#define CRASH(i) :: atomic { MAY && client[i] == RUNS && !over[i] -> faults--; client[i] = CRASHED }
#define STOP(i)  :: atomic { MAY && client[i] == RUNS && !over[i] -> faults--; client[i] = STOPPED }
#define CUT(i)   :: atomic { MAY && !dead[i] && !over[i] -> faults--; cut(i); endSession(i) }
#define HANG(i)  :: atomic { MAY && inside[i] && !hung[i] -> faults--; hung[i] = true }
#define TERM(i)  :: atomic { MAY && client[i] == RUNS && !over[i] && !stop[i] -> faults--; stop[i] = true }

active proctype Adversary() {
end:
	do
	/* The runs are alike, so that trouble with A is trouble with either. */
	CRASH(A) STOP(A) CUT(A) HANG(A) TERM(A)
#ifdef UNLOCK
	CRASH(U) STOP(U) CUT(U)
#endif
	/* UPDATE dbwarden_lock SET locked = FALSE, release_at = NOW() */
	:: atomic {
		hands > 0 && !last && locked && rowlock == 0 -> hands--;
		if :: !frozen -> noLongerHolds() :: else fi;
		locked = false; releasedAt = true; frozen = false
	}
	/* UPDATE dbwarden_lock SET locked = TRUE */
	:: atomic { hands > 0 && !last && !locked && rowlock == 0 -> hands--; locked = true; frozen = true }
	od
}

/*
 * When nothing moves any more, somebody is called: unlock --force, and then
 * a run. It must get the lock, or there must be nothing for it to do.
 */
init {
	atomic {
		client[A] = RUNS; client[B] = RUNS; client[U] = RUNS; client[W] = RUNS; client[L] = RUNS;
		if
		:: run Run(A, false)
#ifndef UNLOCK
		:: run Run(A, true)
		fi;
		if
		:: run Run(B, false)
#else
		fi;
		if
#endif
		:: run Run(B, true)
		fi;
#ifdef UNLOCK
		if :: run Unlock(U, false) :: run Unlock(U, true) fi
#endif
	};
	atomic { timeout -> last = true };
#ifdef DENIED
	/* Nobody can end its session: somebody ends the process that the row names. */
	atomic { if :: locked && runId == A -> client[A] = CRASHED; hung[A] = false :: else fi };
#endif
	atomic { timeout -> run Unlock(W, true) };
	atomic { timeout -> assert(over[W]); run Run(L, true) };
	atomic { timeout -> assert(over[L] && (got[L] || applied == M)) }
}
