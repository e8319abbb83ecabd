package cli

// A stopped holder keeps everybody else waiting, and its session is ended by
// the server after a minute: so Ctrl-Z has to wait while the lock is ours.

// keepGoing keeps the process from being stopped, until letStop.
func (a *app) keepGoing() {
	if a.undo == nil && a.Unstopped != nil {
		a.undo = a.Unstopped(func() {
			a.warn("this run holds the migration lock and is not stopped: everybody else would wait for it; end it with Ctrl-C")
		})
	}
}

func (a *app) letStop() {
	if a.undo != nil {
		a.undo()
		a.undo = nil
	}
}
