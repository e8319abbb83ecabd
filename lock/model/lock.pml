/*
 * The lock protocol, small enough to be walked through whole. README.md says
 * what is modelled, what is not, and what each rule below is for.
 *
 * Without -DALONE: an engine whose transactions hold DDL (PostgreSQL). With
 * it: one statement after another, written ahead (MySQL, MariaDB). Each
 * -DNO_... leaves one rule of the protocol out. -DLIVE adds the question
 * whether everything is applied in the end.
 */

#ifndef M
#define M 2             /* migrations, of one statement each */
#endif
#ifndef TROUBLE
#define TROUBLE 2       /* what the adversary may do */
#endif
#ifndef UNLOCKS
#define UNLOCKS 1       /* unlocks at any moment, whether called for or not */
#endif
#ifdef NO_DOUBLE_LOOK
#define LOOKS 1
#else
#define LOOKS 3
#endif

#define NONE 0
#define OPERATOR 255    /* the operator's session */

mtype = { running, failed, released, forced };                   /* State */
mtype = { isFree, isAlive, isGone, isKept };                     /* Verdict */

/* The row of dbwarden_lock. */
bool  locked;
byte  runId, token, session;
mtype state = released;
byte  rowLock;          /* the session that has it FOR UPDATE, until COMMIT */

byte  native;           /* the session that holds the native lock */

/* The two runners: their processes, and their sessions at the server. */
byte  sid[2];           /* session id; 0: never connected */
bool  live[2];          /* the session lives */
bool  cut[2];           /* its end is decided, but not reached yet */
bool  crashed[2];       /* the client is dead; what it sent may run on */
bool  paused[2];        /* the client is stopped */
bool  hung[2];          /* its statement does not come back by itself */
bool  executing[2];     /* a statement, or a transaction, is under way */
byte  on[2];            /* the migration that it is about */
byte  holds[2];         /* the run that this process believes to have */
bool  mishap[2];        /* the next statement is refused by the server */

/* The database's contents. */
byte  effect[M+1];      /* how often each migration took effect */
byte  recorded;         /* the history: migrations 1..recorded are applied */
byte  ahead;            /* the journal: this one was begun, its end is open */

/* What only the properties look at. */
byte  sessions, runs;   /* ids given out */
byte  issued;           /* the highest token ever */
byte  lastClaim;        /* the run that took the row last */
byte  letGo;            /* bit r: run r gave its lock back by itself */
byte  strayed[2];       /* ALONE: statements begun after the hold was gone */
bool  quiet;            /* the adversary is through */

#define applied         (recorded == M)
#define mine(p,r,t)     (locked && runId == r && token == t)
#define lives(s)        (s != NONE && ((s == sid[0] && live[0]) || (s == sid[1] && live[1])))
#define may(p)          (!paused[p] && !hung[p])
#define dead(p)         (!live[p] || crashed[p])         /* as a client */
#define rowFree         (rowLock == NONE)

/* The session ends: the server rolls back and frees what it held. */
inline end(p) {
	live[p] = false; cut[p] = false; executing[p] = false; hung[p] = false; mishap[p] = false; on[p] = 0;
	if
	:: rowLock == sid[p] -> rowLock = NONE
	:: else
	fi;
	if
	:: native == sid[p] -> native = NONE
	:: else
	fi
}

/* ALONE: the statement takes effect, and nothing takes it back. */
inline takeEffect(p) {
	effect[on[p]]++;
	assert(effect[on[p]] == 1);             /* S3: applied once */
	assert(lastClaim == holds[p])           /* S2: never after a successor began */
}

/* S1: whoever begins is alone. */
inline alone(p) {
	assert(!executing[1-p])
}

/* V1: nobody is called gone who lives, or who has just let go. */
inline saidGone(r, s) {
	assert(!lives(s) && !(letGo & (1 << r)))
}

/* ---- lock/status.go ---- */

/* judge puts row and native lock together. l, n, s are as they were read. */
inline judge(l, s, held, verdict) {
	if
	:: !l -> verdict = isFree
	:: l && held -> verdict = isAlive
	:: l && !held && s == failed -> verdict = isKept
	:: l && !held && s != failed -> verdict = isGone
	fi
}

/* Inspect reads the row, then looks at the native lock: two queries, between
   which anything may happen. can is when the one who looks can go on. */
inline Inspect(can) {
	d_step { looked = 0; verdict = isFree }
	do
	:: atomic { can -> fLocked = locked; fRun = runId; fToken = token; fSession = session; fState = state }
	   atomic { can ->
		fOwner = native;
		looked++;
		judge(fLocked, fState, fOwner != NONE, verdict);
		if
		:: verdict == isGone && looked < LOOKS
		:: else -> looked = 0; break
		fi
	   }
	od
}

/* What Inspect found; forgotten as soon as nobody needs it. */
inline forget() {
	d_step { fLocked = false; fRun = 0; fToken = 0; fSession = 0; fState = 0; fOwner = 0; verdict = 0 }
}

/* Native.Evict ends the session o if it is the one that holds the lock. */
inline Evict(o) {
	if
	:: o == sid[0] && live[0] && native == o -> cut[0] = true
	:: o == sid[1] && live[1] && native == o -> cut[1] = true
	:: else
	fi
}

/* ---- lock/lock.go ---- */

#ifdef NO_NATIVE
#define tryNative(s)    true
#else
#define tryNative(s)    (native == NONE || native == s)
#endif

inline Free(s) {
	if
	:: native == s -> native = NONE
	:: else
	fi
}

/* claim writes the row, and reads the token back. */
inline claim(p, condition) {
	atomic { may(p) && (rowFree || !live[p]) ->
		if
		:: dead(p) -> goto lost
		:: !dead(p) && (condition) ->
			locked = true; state = running; session = sid[p];
			runs++; runId = runs; myRun = runs; lastClaim = runs;
#ifndef NO_TOKEN_RISE
			token++;
#endif
			assert(token > issued); issued = token          /* S5 */
		:: else
		fi
	}
	if
	:: myRun == NONE
	:: else ->
		atomic { may(p) ->
			if
			:: dead(p) -> goto lost
			:: !dead(p) && locked && runId == myRun -> myToken = token; holds[p] = myRun; strayed[p] = 0
			:: else -> myRun = NONE
			fi
		}
	fi
}

/* Fence: the row is still ours. FOR UPDATE keeps it so until COMMIT. */
#ifdef NO_FENCE
#define Fence(p)        true
#else
#define Fence(p)        mine(p, myRun, myToken)
#endif

/* ---- A process that runs `migrate`, and is started again when it ends. ---- */

proctype Runner(byte p; bool recover) {
	bool  fLocked; byte fRun, fToken, fSession, fOwner; mtype fState, verdict; byte looked;
	byte  myRun, myToken, m;

start:
	/* A new process: connect, and plan for the first time. */
	atomic {
		!live[p] && !paused[p] ->
		crashed[p] = false; hung[p] = false; holds[p] = 0; strayed[p] = 0;
		myRun = NONE; myToken = 0; m = 0;
		if
		:: applied -> goto over
		:: else
		fi;
		live[p] = true; sessions++; sid[p] = sessions;
		m = recorded
	}

Acquire:
	atomic { may(p) ->
		if
		:: dead(p) -> goto lost
		:: !dead(p) && tryNative(sid[p]) -> native = sid[p]
		:: else -> goto held
		fi
	}

takeRow:
	claim(p, !locked);
	if
	:: myRun != NONE -> goto walk
	:: else
	fi;
	/* The row is locked, and the native lock is ours. */
	atomic { may(p) ->
		if
		:: dead(p) -> goto lost
		:: else
		fi;
		fLocked = locked; fRun = runId; fToken = token; fState = state;
		judge(fLocked, fState, false, verdict);
		if
		:: verdict == isGone -> saidGone(runId, session)
		:: else
		fi
	}
	if
	:: recover && verdict != isFree -> claim(p, locked && runId == fRun && token == fToken)
	:: else
	fi;
	if
	:: myRun != NONE -> forget(); goto walk
	:: else
	fi;
	atomic { may(p) ->
		if
		:: dead(p) -> goto lost
		:: else
		fi;
		Free(sid[p]);
		if
		:: verdict == isFree -> forget(); goto Acquire
		:: else -> forget(); goto giveUp
		fi
	}

held:
	Inspect(may(p));
	atomic {
		if
		:: verdict == isGone -> saidGone(fRun, fSession); forget(); goto giveUp
		:: verdict == isKept -> forget(); goto giveUp
		:: verdict == isFree && fOwner != NONE && fRun != NONE && fState == running && fOwner == fSession ->
			/* endReleased: let go by hand, and its session goes on. */
#ifndef NO_END_RELEASED
			Evict(fOwner);
#endif
			forget()
		:: else -> forget()
		fi;
	}
	goto Acquire;

giveUp:
	/* HeldError: this process ends. Another is started, but has no better
	   luck until something has changed. */
	atomic { may(p) && (applied || !locked || recover || !live[p]) ->
		if
		:: dead(p) -> goto lost
		:: else -> goto closing
		fi
	}

walk:
	/* The plan is made anew: another may have applied what was pending. */
	atomic { may(p) ->
		if
		:: dead(p) -> goto lost
		:: else
		fi;
#ifndef NO_REPLAN
		m = recorded;
#endif
#ifdef ALONE
		/* An open end is settled by what is seen in the database. */
		if
		:: ahead == NONE
		:: ahead != NONE && !Fence(p) -> goto lost
		:: ahead != NONE && Fence(p) ->
#ifndef NO_SETTLE
			if
			:: effect[ahead] > 0 -> recorded = ahead; m = ahead
			:: else
			fi;
#endif
			ahead = NONE
		fi
#endif
	}
	do
	:: m >= M -> break
	:: m < M ->
#ifndef ALONE
		/* BEGIN and the work. */
		atomic { may(p) ->
			if
			:: dead(p) -> goto lost
			:: else
			fi;
			alone(p);
			executing[p] = true; on[p] = m + 1
		}
		/* The fence, last before COMMIT. It waits for whoever writes the row. */
		atomic { may(p) && (rowFree || !live[p]) ->
			if
			:: !live[p] -> goto lost
			:: mishap[p] -> mishap[p] = false; executing[p] = false; on[p] = 0; goto Release
			:: !mishap[p] && live[p] && !Fence(p) -> goto lost
			:: !mishap[p] && live[p] && Fence(p) ->
#ifndef NO_FOR_UPDATE
				rowLock = sid[p];
#endif
				skip
			fi
		}
		/* COMMIT. */
		atomic { may(p) ->
			if
			:: !live[p] -> goto lost
			:: else
			fi;
			assert(mine(p, myRun, myToken));        /* S2 */
			effect[m+1]++;
			assert(effect[m+1] == 1);               /* S3 */
			recorded = m + 1;
			executing[p] = false; on[p] = 0; rowLock = NONE
		}
#else
		/* The entry written ahead carries the fence. */
		atomic { may(p) ->
			if
			:: dead(p) || !Fence(p) -> goto lost
			:: !dead(p) && Fence(p) ->
#ifndef NO_WRITE_AHEAD
				ahead = m + 1;
#endif
				skip
			fi
		}
		/* The statement goes to the server, */
		atomic { may(p) ->
			if
			:: dead(p) -> goto lost
			:: else
			fi;
			alone(p);
			if
			:: mine(p, myRun, myToken)
			:: else -> strayed[p]++; assert(strayed[p] <= 1)        /* S2: the one past its fence, no more */
			fi;
			executing[p] = true; on[p] = m + 1
		}
		/* and takes effect there, whatever has become of its client. */
		atomic { !hung[p] || !live[p] ->
			if
			:: !live[p] -> goto lost
			:: live[p] && mishap[p] -> mishap[p] = false; executing[p] = false; on[p] = 0; goto Keep
			:: live[p] && !mishap[p] -> takeEffect(p); executing[p] = false; on[p] = 0
			fi
		}
		/* Done, and the history, in one transaction with the fence. */
		atomic { may(p) ->
			if
			:: dead(p) || !Fence(p) -> goto lost
			:: else
			fi;
			recorded = m + 1; ahead = NONE
		}
#endif
		m++
	od;

Release:
#ifdef NO_ROW_FIRST
	atomic { may(p) -> if :: !dead(p) -> Free(sid[p]) :: else -> goto lost fi }
#endif
	atomic { may(p) && (rowFree || !live[p]) ->
		if
		:: !dead(p) && mine(p, myRun, myToken) ->
			locked = false; runId = NONE; session = NONE; state = released;
			letGo = letGo | (1 << myRun)
		:: !dead(p) && !mine(p, myRun, myToken)
		:: else -> goto lost
		fi
	}
#ifndef NO_ROW_FIRST
	atomic { may(p) -> if :: !dead(p) -> Free(sid[p]) :: else -> goto lost fi }
#endif
	goto closing;

#ifdef ALONE
Keep:
	/* A statement failed with work before it: the row stays locked. The
	   file is mended before somebody unlocks or recovers. */
	atomic { may(p) ->
		if
		:: !dead(p) && mine(p, myRun, myToken) ->
			state = failed; ahead = NONE; letGo = letGo | (1 << myRun)
		:: !dead(p) && !mine(p, myRun, myToken)
		:: else -> goto lost
		fi
	}
	atomic { may(p) -> if :: !dead(p) -> Free(sid[p]) :: else -> goto lost fi }
	goto closing;
#endif

lost:
	/* ErrLost, or the session ended: nothing is written any more. A living
	   client closes its session, a dead one's is ended by the server. */
#ifdef NO_ONE_SESSION
	/* The client has its driver connect anew, and goes on. */
	atomic {
		if
		:: !live[p] && !crashed[p] && !paused[p] && holds[p] != NONE && m < M ->
			live[p] = true; sessions++; sid[p] = sessions; goto walk
		:: else
		fi
	}
#endif
closing:
	atomic {
		if
		:: live[p] && !crashed[p] && !paused[p] -> end(p)
		:: !live[p]
		fi;
		forget(); myRun = NONE; myToken = 0; m = 0
	}
	goto start;
over:
	skip
}

/* ---- The server: it ends the sessions whose end is decided. ---- */

inline serverEnds(p) {
#ifdef ALONE
	/* A statement that runs is finished or given up. */
	if
	:: executing[p] && !mishap[p] -> takeEffect(p)
	:: true
	fi;
#endif
	end(p)
}

active proctype Server() {
end_server:
	do
	:: atomic { live[0] && cut[0] -> serverEnds(0) }
	:: atomic { live[1] && cut[1] -> serverEnds(1) }
#ifndef NO_LIMITS
	/* The limits of a session that idles. */
	:: atomic { live[0] && paused[0] && !cut[0] -> serverEnds(0) }
	:: atomic { live[1] && paused[1] && !cut[1] -> serverEnds(1) }
#endif
	od
}

/* ---- lock/unlock.go: somebody who runs `unlock`, with or without --force. ---- */

inline takeNative() {
#ifndef NO_BREAK_NATIVE
	atomic {
		if
		:: native == NONE -> native = OPERATOR
		:: native != NONE -> goto broken        /* its session has not ended yet */
		fi
	}
#endif
}

inline Break(force) {
	Inspect(true);
	atomic {
		if
		:: verdict == isFree -> goto broken     /* ErrNotHeld */
		:: verdict == isGone -> saidGone(fRun, fSession)
		:: else
		fi;
		if
		:: fOwner != NONE && !force -> goto broken      /* HeldError */
		:: else
		fi
	}
#ifndef NO_EVICT
	if
	:: fOwner == NONE
	:: else ->
		atomic {
			/* S4: not the session of a newer holder */
			assert(!(native == fOwner && locked && runId != fRun && session == fOwner));
			Evict(fOwner)
		}
		(native != fOwner);
		if
		:: native != NONE -> goto broken        /* another took it */
		:: else
		fi
	fi;
#endif
	takeNative();
	atomic { rowFree ->
		if
#ifdef NO_SAME_RUN
		:: locked ->
#else
		:: locked && token == fToken && runId == fRun ->
#endif
			assert(runId == fRun);                    /* S4 */
			locked = false; token++; state = forced;
			assert(token > issued); issued = token  /* S5 */
		:: else
		fi
	}
broken:
	atomic { Free(OPERATOR); forget() }
}

/* Somebody is called for: the row is locked by one who will not go on. */
#define inNeed  (locked && (state == failed || !lives(session) || \
	(session == sid[0] && (paused[0] || hung[0])) || (session == sid[1] && (paused[1] || hung[1]))))

active proctype Operator() {
	bool  fLocked; byte fRun, fToken, fSession, fOwner; mtype fState, verdict; byte looked;
	byte  n = UNLOCKS;
	bool  force;
	do
	:: atomic { n > 0 -> n--; if :: force = true :: force = false fi }
again:	   Break(force)
	:: atomic { quiet && inNeed -> force = true; goto again }
	:: atomic { applied && !inNeed -> break }
	od
}

/* ---- What goes wrong. ---- */

inline harm(p) {
	if
	:: live[p] && !crashed[p] -> crashed[p] = true; cut[p] = true; paused[p] = false
	:: live[p] && !cut[p] -> cut[p] = true
	:: !paused[p] && !paused[1-p] && !crashed[p] -> paused[p] = true
	:: executing[p] && !hung[p] && live[p] -> hung[p] = true
	:: executing[p] && !mishap[p] -> mishap[p] = true
	:: true
	fi
}

active proctype Adversary() {
	byte n = TROUBLE;
	do
	:: atomic { n > 0 -> n--; if :: harm(0) :: harm(1) fi }
	/* UPDATE dbwarden_lock SET locked = FALSE, by hand. */
	:: atomic { n > 0 && locked && rowFree -> n--; locked = false }
	:: atomic { paused[0] -> paused[0] = false }
	:: atomic { paused[1] -> paused[1] = false }
	:: atomic { true -> quiet = true; break }
	od
}

init {
	atomic { run Runner(0, false); run Runner(1, true) }
}

#ifdef LIVE
/* L1: when the trouble is over, and processes keep trying, everything is
   applied in the end. */
ltl L1 { <> applied }
#endif
