# docker build -t spora-build .
# docker run --rm -v "$PWD:/data" --user "$(id -u):$(id -g)" spora-build convert raw --name smith2023novel
FROM python:3.11-slim AS wheel
WORKDIR /source
COPY . .
RUN pip install --no-cache-dir build && python -m build --wheel

FROM python:3.11-slim
RUN apt-get update && apt-get install --yes --no-install-recommends rclone && rm -rf /var/lib/apt/lists/*
COPY requirements-lock.txt /tmp/
COPY --from=wheel /source/dist/*.whl /tmp/
# compiled kernels are cached where any user may write
ENV NUMBA_CACHE_DIR=/tmp/numba HOME=/tmp
RUN wheel=$(ls /tmp/*.whl) \
    && pip install --no-cache-dir --constraint /tmp/requirements-lock.txt "${wheel}[czi,dask,openslide]" \
    && rm /tmp/*.whl /tmp/requirements-lock.txt \
    && spora-build --version
WORKDIR /data
ENTRYPOINT ["spora-build"]
CMD ["--help"]
