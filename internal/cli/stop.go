package cli

// A stopped holder keeps everybody else waiting, and its session is ended by
// the server after a minute: so Ctrl-Z has to wait while the lock is ours. And
// whoever is ended at once then leaves it held, which is said.

// keepGoing keeps the process from being stopped, until letStop.
func (a *app) keepGoing() {
	if a.undo == nil && a.Unstopped != nil {
		a.undo = a.Unstopped(func() {
			a.warn("this run holds the migration lock and is not stopped: everybody else would wait for it; end it with Ctrl-C")
		})
	}
	if a.unsaid == nil && a.LastWords != nil {
		a.unsaid = a.LastWords(func(s Signal) {
			a.warn("ended at once by a second signal (" + s.name() + "), as a crash would: the lock stays held, and whether the last statement took effect is not known here; next: dbwarden lock-status, dbwarden status, then: dbwarden unlock")
		})
	}
}

func (a *app) letStop() {
	if a.undo != nil {
		a.undo()
		a.undo = nil
	}
	if a.unsaid != nil {
		a.unsaid()
		a.unsaid = nil
	}
}
