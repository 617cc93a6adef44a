# hedgebot in a container.
#
#   docker build --tag hedgebot .        on the base below, pulled from a registry of images
#   config/build-image --tag hedgebot    on a minimal Debian made here; needs no such registry
#
# BASE is any image based on glibc that has Python 3.11 or newer as `python3`, with its module venv.
ARG BASE=python:3.13-slim-bookworm


FROM ${BASE} AS build

# Two environments: the one that is shipped holds no pip, so nothing can be installed into it later.
RUN python3 -m venv /build && python3 -m venv --without-pip /usr/local/lib/hedgebot
WORKDIR /src

# How to reach the package index is the builder's own: secrets that only this step sees, if there are any.
# The hashes decide what is accepted, wherever it comes from.
ENV PIP_CONFIG_FILE=/run/secrets/pip_conf PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 \
    PIP_PYTHON=/usr/local/lib/hedgebot/bin/python
COPY requirements.txt ./
RUN --mount=type=secret,id=pip_conf --mount=type=secret,id=pip_cert \
    /build/bin/pip install --no-compile --require-hashes --only-binary :all: --requirement requirements.txt

COPY pyproject.toml README.md LICENSE ./
COPY hedgebot hedgebot
RUN /build/bin/pip install --no-compile --no-index --no-deps --no-build-isolation . \
    && /build/bin/pip uninstall --yes flit_core

# Without bytecode every start and every `hedgebot status` takes seconds more, and a read-only root could
# never keep it. Nothing here changes any more, so no file's time needs to be compared with its bytecode's.
RUN python3 -m compileall -q -j 0 --invalidation-mode unchecked-hash /usr/local/lib/hedgebot/lib


FROM ${BASE}

LABEL org.opencontainers.image.title="hedgebot" \
      org.opencontainers.image.description="Keeps the dollar value of held coins from moving" \
      org.opencontainers.image.licenses="MIT"

# A number of its own, so that files on the host can be given to it. Some bases ship no bytecode of Python's
# own library either.
RUN groupadd --gid 10001 hedgebot \
    && useradd --uid 10001 --gid 10001 --home-dir /var/lib/hedgebot --no-create-home \
        --shell /usr/sbin/nologin hedgebot \
    && install --directory --owner hedgebot --group hedgebot --mode 0700 /var/lib/hedgebot /run/hedgebot \
    && install --directory /etc/hedgebot \
    && python3 -m compileall -q -j 0 "$(python3 -c 'import sysconfig; print(sysconfig.get_path("stdlib"))')"

COPY --from=build /usr/local/lib/hedgebot /usr/local/lib/hedgebot

# The store is in the state directory, the control socket in the runtime directory: with a read-only root the
# latter is a tmpfs. The working directory makes `hedgebot status` find the config without being told.
ENV PATH=/usr/local/lib/hedgebot/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
    STATE_DIRECTORY=/var/lib/hedgebot \
    RUNTIME_DIRECTORY=/run/hedgebot \
    PYTHONDONTWRITEBYTECODE=1
USER 10001:10001
WORKDIR /etc/hedgebot
VOLUME /var/lib/hedgebot

# SIGTERM ends the daemon after the cycle under way and leaves the hedge on the exchange as it is.
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=10s --start-period=60s --retries=3 \
    CMD ["hedgebot", "health", "-c", "/etc/hedgebot/hedgebot.toml"]
ENTRYPOINT ["hedgebot"]
CMD ["run", "-c", "/etc/hedgebot/hedgebot.toml"]
