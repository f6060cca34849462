{{- define "app.name" -}}
{{- if .Values.nameOverride }}{{ .Values.nameOverride }}{{ else }}{{ .Chart.Name }}{{ end -}}
{{- end }}
{{- define "app.fullname" -}}
{{ .Release.Name }}-{{ include "app.name" . }}
{{- end }}
{{- define "app.labels" -}}
app.kubernetes.io/name: {{ include "app.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ printf "%q" .Chart.AppVersion }}
{{- range $key, $value := .Values.labels }}
{{ $key }}: {{ $value }}
{{- end }}
{{- end }}
{{- range $name, $component := .Values.components }}
{{- if $component.enabled }}
---
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ include "app.fullname" $ }}-{{ $name }}
  labels:
{{ include "app.labels" $ }}
spec:
  replicas: {{ $component.replicas }}
  template:
    spec:
      containers:
      - name: {{ $name }}
        image: {{ printf "%s/%s:%s" $.Values.image.registry $component.image $.Values.image.tag }}
        imagePullPolicy: {{ or $component.pullPolicy $.Values.image.pullPolicy }}
        {{- with $component.ports }}
        ports:
        {{- range $index, $port := . }}
        - name: {{ $port.name }}
          containerPort: {{ $port.number }}
          {{- if and $port.host (gt $port.number 1024.0) }}
          hostPort: {{ $port.number }}
          {{- end }}
        {{- end }}
        {{- end }}
        env:
        {{- range $key, $value := $component.env }}
        - name: {{ $key }}
          value: {{ $value | printf "%q" }}
        {{- else }}
        - name: NONE
          value: "true"
        {{- end }}
        {{- if eq $name "web" }}
        readinessProbe: {httpGet: {path: {{ $component.probe.path }}, port: {{ (index $component.ports 0).number }}}}
        {{- else if not $component.probe }}
        # no probe for {{ $name }}
        {{- end }}
{{- end }}
{{- end }}
