# The slim runtime: Python, grucast from its wheel and pandas, below 150 MB. It trains, forecasts and streams; no command line, no PyTorch.
#   docker build -t grucast .
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
