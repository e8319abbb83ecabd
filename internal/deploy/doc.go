// Package deploy keeps true what is for others' machines: the folders deploy
// and packaging, and the configuration of a release. It holds tests alone.
// They run each script, unit and recipe as its user would, as far as this
// machine can. What other tools say of these files is asked by the module
// oracle, which links those tools.
package deploy
