{{/* _helpers.tpl - names, labels, and what several templates must agree on. */}}

{{- define "passerby.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 52 | trimSuffix "-" }}
{{- end }}

{{/* At most 52 letters: the longest suffix here has 11, and names end at 63. Without the dots that a release's name may have, and a
Service's may not. */}}
{{- define "passerby.fullname" -}}
{{- $name := .Values.fullnameOverride -}}
{{- if not $name }}
{{- $name = contains (include "passerby.name" .) .Release.Name | ternary .Release.Name (printf "%s-%s" .Release.Name (include "passerby.name" .)) }}
{{- end }}
{{- $name | replace "." "-" | trunc 52 | trimAll "-" }}
{{- end }}

{{/* What selects a component's pods: (list $ "node"). Never changes over upgrades. */}}
{{- define "passerby.selector" -}}
{{- $root := index . 0 -}}
app.kubernetes.io/name: {{ include "passerby.name" $root | quote }}
app.kubernetes.io/instance: {{ $root.Release.Name | quote }}
app.kubernetes.io/component: {{ index . 1 }}
{{- end }}

{{/* Of pods: nothing that changes with the chart's version alone, or each upgrade would restart Redis. (list $ "node" $more) */}}
{{- define "passerby.podLabels" -}}
{{- $root := index . 0 -}}
{{- $own := merge (include "passerby.selector" . | fromYaml) (dict "app.kubernetes.io/part-of" "passerby") -}}
{{- merge $own (index . 2 | default dict) ($root.Values.commonLabels | default dict) | toYaml }}
{{- end }}

{{/* All labels: (list $ "node" [$more]). */}}
{{- define "passerby.labels" -}}
{{- $root := index . 0 -}}
{{- $own := include "passerby.selector" . | fromYaml -}}
{{- $own = merge $own (dict "helm.sh/chart" (printf "%s-%s" $root.Chart.Name ($root.Chart.Version | replace "+" "_"))
  "app.kubernetes.io/version" $root.Chart.AppVersion "app.kubernetes.io/managed-by" $root.Release.Service "app.kubernetes.io/part-of" "passerby") -}}
{{- $more := dict -}}
{{- if gt (len .) 2 }}{{ $more = index . 2 | default dict }}{{ end -}}
{{- merge $own $more ($root.Values.commonLabels | default dict) | toYaml }}
{{- end }}

{{/* The metadata of an object: (dict "root" $ "component" "node" "name" … "labels" … "annotations" …). */}}
{{- define "passerby.metadata" -}}
name: {{ .name | quote }}
namespace: {{ .root.Release.Namespace | quote }}
labels:
  {{- include "passerby.labels" (list .root .component .labels) | nindent 2 }}
{{- with merge (dict) (.annotations | default dict) (.root.Values.commonAnnotations | default dict) }}
annotations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{- define "passerby.image" -}}
{{- $image := .image -}}
{{- if $image.digest }}{{ $image.repository }}@{{ $image.digest }}{{ else }}{{ $image.repository }}:{{ $image.tag | default .tag }}{{ end }}
{{- end }}

{{- define "passerby.nodeImage" -}}
{{- include "passerby.image" (dict "image" .Values.image "tag" .Chart.AppVersion) }}
{{- end }}

{{- define "passerby.serviceAccount" -}}
{{- if .Values.serviceAccount.create }}{{ .Values.serviceAccount.name | default (include "passerby.fullname" .) }}
{{- else }}{{ .Values.serviceAccount.name | default "default" }}{{ end }}
{{- end }}

{{/* Name of the Secret that the chart makes. */}}
{{- define "passerby.ownSecret" -}}
{{ include "passerby.fullname" . }}
{{- end }}

{{/* How many pods. With an autoscaler as many as there are, at first its least: without a number Kubernetes would take it for 1, whenever the
number goes from the manifest. "" where nobody can know (helm template). */}}
{{- define "passerby.replicas" -}}
{{- $now := lookup "apps/v1" "Deployment" .Release.Namespace (include "passerby.fullname" .) -}}
{{- if not .Values.autoscaling.enabled }}{{ .Values.replicaCount }}
{{- else if $now }}{{ $now.spec.replicas }}
{{- else if include "passerby.connected" . }}{{ .Values.autoscaling.minReplicas }}
{{- end }}
{{- end }}

{{/* Is there a cluster to look things up in? A list says what it is, even if it is empty; without a cluster there is none. */}}
{{- define "passerby.connected" -}}
{{- if lookup "v1" "Secret" .Release.Namespace "" }}yes{{ end }}
{{- end }}

{{/* Seconds from SIGTERM to SIGKILL. */}}
{{- define "passerby.patience" -}}
{{- $drain := add .Values.drain.delaySeconds .Values.drain.spreadSeconds .Values.drain.timeoutSeconds -}}
{{- kindIs "invalid" .Values.terminationGracePeriodSeconds | ternary (add $drain 10) .Values.terminationGracePeriodSeconds }}
{{- end }}

{{/* Is there a Redis at all? "" if not. */}}
{{- define "passerby.hasRedis" -}}
{{- if or .Values.redis.bundled.enabled .Values.redis.external.url .Values.redis.external.existingSecret }}yes{{ end }}
{{- end }}

{{/* How people reach a node: https where it speaks TLS itself. */}}
{{- define "passerby.scheme" -}}
{{- empty (dig "tls_cert" "" (.Values.config | default dict)) | ternary "http" "https" }}
{{- end }}

{{/* Egress to DNS. (OpenShift's listens on 5353.) */}}
{{- define "passerby.dnsEgress" -}}
ports: [{port: 53, protocol: UDP}, {port: 53, protocol: TCP}, {port: 5353, protocol: UDP}, {port: 5353, protocol: TCP}]
{{- end }}

{{/* Changes with the URLs of Redis, which hold passwords, and may be read by who may not read Secrets: so by scrypt, which makes guessing
them slow, and not by a plain hash. The same each time, unlike bcrypt or a random salt. */}}
{{- define "passerby.redisChecksum" -}}
{{- with .Values.redis.external -}}
{{- derivePassword 1 "long" (printf "%s %s" .url (join "," .relayUrls)) (printf "%s/%s" $.Release.Namespace $.Release.Name) "redis" | sha256sum }}
{{- end }}
{{- end }}

{{/* The configuration file. What has values of its own wins. */}}
{{- define "passerby.config" -}}
{{- $drain := dict "drain_delay" (printf "%ds" (int .Values.drain.delaySeconds)) "drain_spread" (printf "%ds" (int .Values.drain.spreadSeconds))
  "drain_timeout" (printf "%ds" (int .Values.drain.timeoutSeconds)) -}}
{{- merge $drain (.Values.config | default dict) | toPrettyJson }}
{{- end }}

{{/* The secrets that the chart makes, as a dict of plain values. Those from before are kept: `lookup` sees them on install and upgrade. */}}
{{- define "passerby.secrets" -}}
{{- $old := (lookup "v1" "Secret" .Release.Namespace (include "passerby.ownSecret" .)).data | default dict -}}
{{- $secrets := dict -}}
{{- $draw := list -}}
{{- if and .Values.secret.create (not .Values.secret.existingSecret) }}{{ $draw = append $draw "secret" }}{{ end -}}
{{- if and .Values.secret.create .Values.redis.bundled.enabled (not .Values.redis.bundled.existingSecret) }}{{ $draw = append $draw "redis-password" }}{{ end -}}
{{- range $draw }}
{{- $_ := set $secrets . (hasKey $old . | ternary (get $old . | b64dec) (randAlphaNum 48)) }}
{{- end }}
{{- if .Values.redis.external.url }}
{{- $_ := set $secrets "redis-url" .Values.redis.external.url }}
{{- end }}
{{- with .Values.redis.external.relayUrls }}
{{- $_ := set $secrets "redis-relay-urls" (join "," .) }}
{{- end }}
{{- toYaml $secrets }}
{{- end }}
