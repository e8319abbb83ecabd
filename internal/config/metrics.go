package config

import (
	"errors"
	"net/url"
)

// metrics are where those of runs go. Where there is no such place, nothing is
// said of it.
func (b *builder) metrics() {
	if v, ok := b.find(keyMetricsFile); ok {
		b.d.Metrics.File = b.path(v, v.value)
		b.note(keyMetricsFile, b.d.Metrics.File, b.source(v))
	}
	if v, ok := b.find(keyMetricsInstance); ok {
		text, err := b.expanded(v)
		b.keep(err)
		b.d.Metrics.Instance = text
		b.note(keyMetricsInstance, text, b.source(v))
	}
	v, ok := b.find(keyMetricsPush)
	if !ok {
		return
	}
	text, err := b.expanded(v)
	if err == nil {
		if bad := CheckPushURL(text); bad != nil {
			err = b.fail(v, bad.Error(), "")
		}
	}
	if err != nil {
		b.keep(err)
		b.note(keyMetricsPush, "", b.source(v))
		return
	}
	b.d.Metrics.Push = NewSecret(text)
	b.note(keyMetricsPush, b.d.Metrics.Push.String(), b.source(v))
}

// CheckPushURL says what is wrong with the URL of a Pushgateway, without
// showing it.
func CheckPushURL(text string) error {
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return errors.New("want a URL like http://pushgateway:9091")
	}
	if u.RawQuery != "" || u.Fragment != "" {
		return errors.New("a path is put behind it: it must have no query")
	}
	return nil
}
