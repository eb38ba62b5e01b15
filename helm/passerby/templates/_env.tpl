{{/* _env.tpl - the environment of a node: where its file is, and what is secret. */}}
{{- define "passerby.env" -}}
{{- $own := include "passerby.ownSecret" . -}}
{{- $external := .Values.redis.external -}}
- name: PASSERBY_CONFIG
  value: /etc/passerby/config.json
- name: PASSERBY_SECRET
  valueFrom:
    secretKeyRef:
      name: {{ .Values.secret.existingSecret | default $own }}
      key: {{ empty .Values.secret.existingSecret | ternary "secret" .Values.secret.key }}
{{- if include "passerby.hasRedis" . }}
- name: PASSERBY_REDIS
  valueFrom:
    secretKeyRef:
      name: {{ $external.existingSecret | default $own }}
      key: {{ empty $external.existingSecret | ternary "redis-url" $external.key }}
{{- end }}
{{- if $external.relayUrls }}
- name: PASSERBY_REDIS_RELAY
  valueFrom:
    secretKeyRef: {name: {{ $own }}, key: redis-relay-urls}
{{- end }}
{{- if $external.caSecret }}
- name: PASSERBY_REDIS_CA
  value: /etc/passerby-redis/{{ $external.caKey }}
{{- end }}
{{- end }}
