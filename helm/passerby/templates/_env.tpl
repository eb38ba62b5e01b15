{{/* _env.tpl - the environment of a node: where its file is, and what is secret. */}}

{{- define "passerby.ownEnv" -}}
{{- $own := include "passerby.ownSecret" . -}}
{{- $redis := .Values.redis -}}
- name: PASSERBY_CONFIG
  value: /etc/passerby/config.json
- name: PASSERBY_SECRET
  valueFrom:
    secretKeyRef:
      name: {{ .Values.secret.existingSecret | default $own | quote }}
      key: {{ empty .Values.secret.existingSecret | ternary "secret" .Values.secret.key | quote }}
{{- if $redis.bundled.enabled }}
{{ include "passerby.redisPassword" . }}
- name: PASSERBY_REDIS
  value: redis://:$(REDISCLI_AUTH)@{{ include "passerby.fullname" . }}-redis:6379
{{- else if include "passerby.hasRedis" . }}
- name: PASSERBY_REDIS
  valueFrom:
    secretKeyRef:
      name: {{ $redis.external.existingSecret | default $own | quote }}
      key: {{ empty $redis.external.existingSecret | ternary "redis-url" $redis.external.key | quote }}
{{- end }}
{{- if $redis.external.relayUrls }}
- name: PASSERBY_REDIS_RELAY
  valueFrom:
    secretKeyRef: {name: {{ $own | quote }}, key: redis-relay-urls}
{{- end }}
{{- if $redis.external.caSecret }}
- name: PASSERBY_REDIS_CA
  value: {{ printf "/etc/passerby-redis/%s" $redis.external.caKey | quote }}
{{- end }}
{{- end }}

{{/* The bundled Redis' password, by the name that redis-cli looks for. */}}
{{- define "passerby.redisPassword" -}}
{{- $bundled := .Values.redis.bundled -}}
- name: REDISCLI_AUTH
  valueFrom:
    secretKeyRef:
      name: {{ $bundled.existingSecret | default (include "passerby.ownSecret" .) | quote }}
      key: {{ empty $bundled.existingSecret | ternary "redis-password" $bundled.key | quote }}
{{- end }}

{{/* The chart's own and people's. Of two by one name theirs stays, in the place of ours: Kubernetes refuses a list that has both, and fills
in $(NAME) only where NAME stands before. */}}
{{- define "passerby.env" -}}
{{- $theirs := dict -}}
{{- range .Values.extraEnv }}{{ $_ := set $theirs .name . }}{{ end -}}
{{- $own := list -}}
{{- $env := list -}}
{{- range include "passerby.ownEnv" . | fromYamlArray -}}
{{- $own = append $own .name -}}
{{- $env = append $env (get $theirs .name | default .) -}}
{{- end -}}
{{- range .Values.extraEnv }}{{ if not (has .name $own) }}{{ $env = append $env . }}{{ end }}{{ end -}}
{{- toYaml $env }}
{{- end }}
