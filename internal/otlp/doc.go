// Package otlp makes traces and metrics of a command and the events of its
// runs, and sends them to an OpenTelemetry collector by OTLP over HTTP.
//
// It is small, since a program that lives for seconds needs little of what
// OpenTelemetry's SDK does: nothing is sent before the command has ended, then
// all of it at once, and within a limit. What it makes of events is what the
// module otel makes of them for programs that have the SDK anyway.
package otlp
