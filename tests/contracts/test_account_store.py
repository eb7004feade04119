"""What every `AccountStore` does."""

from datetime import timedelta

import pytest

from tabard.app.accounts import secret_digest
from tabard.domain.account import AccountKind, Connection
from tabard.domain.errors import NotFound
from tabard.domain.ids import new_account_id
from tabard.ports.stores import NewCredential
from tests.contracts.conftest import NOW

WAY = Connection("100000000000001", "app-secret", "token", "verify", "500000000000001")


async def principal(stores, account, *, login=None, secret_of=None):
    login = login or f"main-{account}"
    return await stores.accounts.principal(login, secret_digest(f"secret-{secret_of or account}"), NOW)


async def test_a_credential_speaks_for_its_account(stores):
    account = await stores.account()
    found = await principal(stores, account)
    assert (found.account_id, found.kind, found.login) == (account, AccountKind.SANDBOX, f"main-{account}")


async def test_a_secret_is_only_good_with_its_login(stores):
    account, other = await stores.account(), await stores.account()
    assert await principal(stores, account, secret_of=other) is None
    assert await principal(stores, account, login="main") is None


async def test_a_bearer_s_key_needs_no_login(stores):
    account = await stores.account()
    key = NewCredential("zavu", "key", "zv_test_abc", secret_digest("zv_test_abcdef"), None)
    await stores.accounts.replace_credentials(account, [key], NOW)
    found = await stores.accounts.principal(None, secret_digest("zv_test_abcdef"), NOW)
    assert found is not None
    assert (found.account_id, found.login) == (account, "zv_test_abc")


async def test_a_sub_account_is_opened_by_its_own_secret_and_by_its_parent_s(stores):
    parent = await stores.account()
    child = await stores.account(parent_id=parent)
    for secret_of in (child, parent):
        found = await principal(stores, child, secret_of=secret_of)
        assert found is not None
        assert found.account_id == child
    assert await principal(stores, parent, secret_of=child) is None, "but not the other way round"


async def test_new_credentials_end_the_old_ones_of_their_kind(stores):
    account = await stores.account()
    fresh = NewCredential("twilio", "main", f"main-{account}", secret_digest("fresh"), None)
    await stores.accounts.replace_credentials(account, [fresh], NOW)
    assert await principal(stores, account) is None
    assert await stores.accounts.principal(f"main-{account}", secret_digest("fresh"), NOW) is not None


class TestTokens:
    HOUR = timedelta(hours=1)

    async def issue(self, stores, account, word="token", dialect="sinch"):
        token = NewCredential(dialect, "token", "sinch-key", secret_digest(word), None, NOW + self.HOUR)
        await stores.accounts.issue_token(account, token, NOW)

    async def opens(self, stores, word="token", at=NOW):
        found = await stores.accounts.principal(None, secret_digest(word), at)
        return None if found is None else (found.account_id, found.login)

    async def test_one_opens_its_account_until_it_expires(self, stores):
        account = await stores.account()
        await self.issue(stores, account)
        assert await self.opens(stores, at=NOW + self.HOUR - timedelta(seconds=1)) == (account, "sinch-key")
        assert await self.opens(stores, at=NOW + self.HOUR) is None

    async def test_many_are_good_beside_each_other(self, stores):
        account = await stores.account()
        for word in ("first", "second"):
            await self.issue(stores, account, word)
        assert await self.opens(stores, "first") == await self.opens(stores, "second") == (account, "sinch-key")

    async def test_they_end_with_the_key_that_bought_them(self, stores):
        account, other = await stores.account(), await stores.account()
        await self.issue(stores, account)
        await self.issue(stores, other, "theirs")
        await self.issue(stores, account, "of another dialect", "zavu")
        fresh = NewCredential("sinch", "key", "sinch-key", secret_digest("fresh"), None)
        await stores.accounts.replace_credentials(account, [fresh], NOW)
        assert await self.opens(stores) is None
        assert await self.opens(stores, "theirs") == (other, "sinch-key")
        assert await self.opens(stores, "of another dialect") == (account, "sinch-key")

    async def test_they_end_with_their_account(self, stores):
        account = await stores.account()
        await self.issue(stores, account)
        await stores.accounts.close(account, NOW)
        assert await self.opens(stores) is None

    async def test_only_what_expired_is_forgotten(self, stores):
        account = await stores.account()
        await self.issue(stores, account)
        await stores.accounts.forget_expired_tokens(NOW)
        assert await self.opens(stores) == (account, "sinch-key")
        await stores.accounts.forget_expired_tokens(NOW + self.HOUR)
        assert await self.opens(stores) is None
        assert await principal(stores, account) is not None, "what never expires stays"
        await self.issue(stores, account)
        assert await self.opens(stores) is not None, "the word is free again"

    async def test_a_parent_s_token_does_not_speak_for_its_sub_accounts(self, stores):
        parent = await stores.account()
        child = await stores.account(parent_id=parent)
        await self.issue(stores, parent)
        assert await stores.accounts.principal(f"main-{child}", secret_digest("token"), NOW) is None


async def test_closing_an_account_closes_its_sub_accounts(stores):
    parent = await stores.account()
    child = await stores.account(parent_id=parent)
    await stores.accounts.close(parent, NOW)
    for account in (parent, child):
        assert await principal(stores, account) is None
        assert (await stores.accounts.account(account)).closed_at == NOW


async def test_an_unknown_account_is_not_found(stores):
    with pytest.raises(NotFound):
        await stores.accounts.account(new_account_id())


async def test_a_connection_is_found_by_its_account_its_sub_account_and_its_app(stores):
    parent = await stores.account()
    child = await stores.account(parent_id=parent)
    await stores.accounts.connect(parent, "meta", WAY)
    assert await stores.accounts.connection(parent, "meta") == WAY
    assert await stores.accounts.connection(child, "meta") == WAY
    heard = await stores.accounts.connected_by("meta", WAY.app_id)
    assert dict(heard) == {parent: WAY, child: WAY}, "the sub-account hears of its senders too"
    assert list(await stores.accounts.connected_by("meta", "100000000000009")) == []
    assert await stores.accounts.connection(await stores.account(), "meta") is None


async def test_live_accounts_without_a_way_of_their_own_are_listed(stores):
    connected, plain = await stores.account(AccountKind.LIVE), await stores.account(AccountKind.LIVE)
    await stores.account(AccountKind.SANDBOX)
    await stores.accounts.connect(connected, "meta", WAY)
    assert list(await stores.accounts.unconnected("meta")) == [plain]


async def test_only_a_sandbox_clock_can_be_moved_and_a_wiped_account_has_the_right_time(stores):
    account = await stores.account()
    await stores.accounts.shift_clock(account, timedelta(hours=5))
    assert (await stores.accounts.account(account)).clock_offset == timedelta(hours=5)
    await stores.accounts.wipe(account)
    assert (await stores.accounts.account(account)).clock_offset == timedelta(0)
    live = await stores.account(AccountKind.LIVE)
    await stores.accounts.shift_clock(live, timedelta(hours=5))
    assert (await stores.accounts.account(live)).clock_offset == timedelta(0)
