// Package browsertest shows pages to tests in a real browser: Chromium, without
// a window, by the protocol of its developer tools over a pipe.
//
// Audit finds what a person would stumble over, whatever the page: it does not
// fit on the screen, a text that cannot be read on its ground, a heading, label
// or landmark that is missing, a place that the keyboard does not reach or shows.
//
// A test without a browser is skipped, and says so; so is every such test under
// -short, since a browser takes seconds. DBWARDEN_TEST_BROWSER names another one
// than the first of chromium, chromium-browser and google-chrome on PATH. With
// DBWARDEN_TEST_SCREENSHOTS=FOLDER a picture of each audited page is kept there.
//
// Only tests import this package.
package browsertest
