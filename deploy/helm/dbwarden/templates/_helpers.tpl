{{/*
What the Job is called: RELEASE-migrate, and as a dependency with an alias
RELEASE-ALIAS-migrate, so that a release may have one for each database. A
cluster takes 63 characters. What is longer is cut and bears a sum, by which two
stay two.
*/}}
{{- define "dbwarden.name" -}}
{{- $name := printf "%s-migrate" .Release.Name -}}
{{- if ne .Chart.Name "dbwarden" -}}
{{- $name = printf "%s-%s-migrate" .Release.Name (.Chart.Name | lower | replace "_" "-") -}}
{{- end -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride -}}
{{- else if gt (len $name) 63 -}}
{{- printf "%s-%s" (regexReplaceAll "[-.]+$" (trunc 54 $name) "") (sha256sum $name | trunc 8) -}}
{{- else -}}
{{- $name -}}
{{- end -}}
{{- end -}}

{{/*
The image. A digest says which one it is; a tag beside it is for people.
*/}}
{{- define "dbwarden.image" -}}
{{- .Values.image.repository -}}
{{- if or .Values.image.tag (not .Values.image.digest) -}}
:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end -}}
{{- with .Values.image.digest -}}
@{{ . }}
{{- end -}}
{{- end -}}

{{/*
A time limit: a text, or a number of seconds, which YAML hands over as a float.
*/}}
{{- define "dbwarden.wait" -}}
{{- ternary .Values.wait (int64 .Values.wait) (kindIs "string" .Values.wait) -}}
{{- end -}}
