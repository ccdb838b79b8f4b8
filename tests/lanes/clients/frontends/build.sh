# In a copy of this folder: install the packages, fetch LobeChat's, and make one file of what is run.
set -eu
npm ci --no-audit --no-fund --loglevel=error
if ! test -d lobechat; then
    npm pack --silent @lobehub/chat@1.143.3
    mkdir lobechat
    tar xzf lobehub-chat-1.143.3.tgz -C lobechat
fi
bundle="node_modules/.bin/esbuild --log-level=error --bundle"
$bundle lobechat.ts --platform=node --format=cjs --alias:@lobechat/const=./lobechat/package/packages/const/src \
    --outfile=lobechat.bundle.cjs
$bundle assistant_ui.jsx --jsx=automatic '--define:process.env.NODE_ENV="production"' --outfile=assistant_ui.bundle.js
