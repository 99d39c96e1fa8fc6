# Two images. The last one is the slim runtime; the server is another target:
#   docker build -t grucast .
#   docker build -t grucast-serve --target serve .

# The server: the page, HTTP, streams in SQLite or PostgreSQL.
#   docker run --rm -p 127.0.0.1:8000:8000 -e GRUCAST_TOKEN=... -v "$PWD/models:/models" -v grucast:/data grucast-serve
FROM python:3.13-slim AS serve-build
RUN apt-get update && apt-get install --yes --no-install-recommends g++
COPY . /source
RUN pip wheel --quiet --no-deps --wheel-dir /wheels /source

FROM python:3.13-slim AS serve
COPY --from=serve-build /wheels /wheels
RUN pip install --no-cache-dir "$(echo /wheels/*.whl)[serve,sql]" \
 && useradd --system grucast && mkdir /models /data && chown grucast /data
USER grucast
WORKDIR /data
VOLUME /data
EXPOSE 8000
ENV GRUCAST_STORE=sqlite:////data/streams.db
HEALTHCHECK CMD ["python", "-c", "from urllib.request import urlopen; urlopen('http://127.0.0.1:8000/v2/health/live')"]
ENTRYPOINT ["grucast", "serve", "--host", "0.0.0.0", "--models", "/models"]

# The slim runtime: Python, grucast from its wheel and pandas, below 150 MB. It trains, forecasts and streams; no command line, no PyTorch.
#   docker run --rm -v "$PWD:/data" grucast python forecast.py
FROM python:3.13-alpine AS build
RUN apk add --no-cache cmake g++ make
COPY . /source
RUN pip wheel --quiet --no-deps --wheel-dir /wheels /source \
 && sh /source/.ci/slim python /packages "$(echo /wheels/*.whl)"

FROM python:3.13-alpine
RUN apk add --no-cache libstdc++ && adduser -D grucast
COPY --from=build /packages /usr/local/lib/python3.13/site-packages
USER grucast
WORKDIR /data
CMD ["python"]
