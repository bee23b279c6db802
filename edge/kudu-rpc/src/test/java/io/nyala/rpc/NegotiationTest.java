package io.nyala.rpc;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.ByteString;
import com.google.protobuf.InvalidProtocolBufferException;
import io.nyala.protocol.rpc.RpcHeader.AuthenticationTypePB;
import io.nyala.protocol.rpc.RpcHeader.ErrorStatusPB;
import io.nyala.protocol.rpc.RpcHeader.ErrorStatusPB.RpcErrorCodePB;
import io.nyala.protocol.rpc.RpcHeader.NegotiatePB;
import io.nyala.protocol.rpc.RpcHeader.RequestHeader;
import java.util.Arrays;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Goal: a client is who it says, if it says so as Kudu's clients do; any other is told why not, and let go.
 * Method: messages of protobuf's own classes, given to a connection without sockets.
 */
final class NegotiationTest {
    /** Header of an answer to call -33 that is an error: varint of 10 bytes, then is_error. */
    private static final byte[] ERROR_HEADER = {13, 8, -33, -1, -1, -1, -1, -1, -1, -1, -1, 1, 16, 1};

    private final EmbeddedServer server = EmbeddedServer.ofDefaults();
    private final EmbeddedServer.Client client = server.connect();

    @AfterEach
    void nothingIsLeft() {
        client.close();
        assertEquals(0, server.bytesInUse());
        assertEquals(0, server.requestBytes.usedBytes());
        assertEquals(0, server.firstBytes.usedBytes());
    }

    @ParameterizedTest
    @ValueSource(strings = {"root", "j", "jos\u00E9 \u4F60\u597D \uD83D\uDC0E", "spark/host@REALM"})
    void keepsTheUsersName(String user) {
        client.send(Bytes.introduction(user));
        assertArrayEquals(Bytes.join(Bytes.OFFER, Bytes.SUCCESS), client.received());
        client.send(Bytes.call(Bytes.header(1, "Hold"), TestService.request(1)));
        RpcCall call = server.service.held.remove();
        assertEquals(user, call.user());
        call.answer(TestService.request(1));
    }

    @Test
    void takesANameOfTheGreatestLength() {
        client.send(Bytes.introduction("x".repeat(Negotiation.USER_BYTES_MAX)));
        assertArrayEquals(Bytes.join(Bytes.OFFER, Bytes.SUCCESS), client.received());
    }

    @Test
    void takesOldClientsThatNameNoTypesAndPasswordsOfAnyKind() {
        client.send(Bytes.START);
        client.send(Bytes.negotiation(Bytes.hello().clearAuthnTypes().build()));
        assertArrayEquals(Bytes.OFFER, client.received());
        client.send(Bytes.negotiation(Bytes.plain("\0u\0p\u00E4ss").build()));
        assertArrayEquals(Bytes.SUCCESS, client.received());
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "root", "\0root", "\0root\0a\0", "\0\0", "other\0root\0"})
    void refusesTokensThatAreNotPlain(String token) throws Exception {
        assertRefused(Bytes.plain(token).build(), RpcErrorCodePB.FATAL_UNAUTHORIZED, "Not authorized: ");
    }

    @Test
    void refusesNamesThatAreLongOrNoText() throws Exception {
        assertRefused(
                Bytes.plain("\0" + "\u00E9".repeat(129) + "\0").build(),
                RpcErrorCodePB.FATAL_UNAUTHORIZED,
                "Not authorized: a user name has 1 to 256 bytes, this one has 258");
    }

    @Test
    void refusesNamesThatAreNoText() throws Exception {
        assertRefused(
                Bytes.plain("")
                        .setToken(ByteString.copyFrom(new byte[] {0, -1, -2, 0}))
                        .build(),
                RpcErrorCodePB.FATAL_UNAUTHORIZED,
                "Not authorized: a user name is UTF-8, this one is not");
    }

    @Test
    void refusesOtherMechanisms() throws Exception {
        NegotiatePB.Builder request = Bytes.plain("\0root\0").clearSaslMechanisms();
        request.addSaslMechanisms(NegotiatePB.SaslMechanism.newBuilder().setMechanism("GSSAPI"));
        assertRefused(
                request.build(),
                RpcErrorCodePB.FATAL_UNAUTHORIZED,
                "Not authorized: no mechanism available: this server has PLAIN, not GSSAPI");
    }

    @Test
    void wantsExactlyOneMechanism() throws Exception {
        assertRefused(
                Bytes.plain("\0root\0").clearSaslMechanisms().build(),
                RpcErrorCodePB.FATAL_UNAUTHORIZED,
                "Not authorized: SASL_INITIATE request must include exactly one SASL mechanism, found: 0");
    }

    @ParameterizedTest
    @EnumSource(value = NegotiatePB.NegotiateStep.class, mode = EnumSource.Mode.EXCLUDE, names = "SASL_INITIATE")
    void refusesOtherSteps(NegotiatePB.NegotiateStep step) throws Exception {
        assertRefused(
                Bytes.plain("\0root\0").setStep(step).build(),
                RpcErrorCodePB.FATAL_UNAUTHORIZED,
                "Not authorized: expected SASL_INITIATE step: " + step);
    }

    @Test
    void refusesClientsThatHaveTokensOnly() throws Exception {
        client.send(Bytes.START);
        NegotiatePB.Builder hello = Bytes.hello().clearAuthnTypes();
        hello.addAuthnTypes(
                AuthenticationTypePB.newBuilder().setToken(AuthenticationTypePB.Token.getDefaultInstance()));
        client.send(Bytes.negotiation(hello.build()));
        assertRefused(RpcErrorCodePB.FATAL_UNAUTHORIZED, "Not implemented: no mutually supported authentication types");
    }

    @Test
    void refusesOtherCallIds() throws Exception {
        client.send(Bytes.START);
        client.send(Bytes.call(Bytes.header(0, "Echo"), Bytes.hello().build()));
        assertRefused(
                RpcErrorCodePB.FATAL_INVALID_RPC_HEADER,
                "Illegal state: Received illegal call-id during negotiation; expected: -33, received: 0");
    }

    @Test
    void refusesWhatIsNoNegotiation() throws Exception {
        client.send(Bytes.START);
        client.send(Bytes.frame(RequestHeader.newBuilder().setCallId(-33).build(), new byte[] {10, 100}));
        assertRefused(RpcErrorCodePB.FATAL_DESERIALIZING_REQUEST, "IO error: Invalid SASL message: ");
    }

    @ParameterizedTest
    @ValueSource(strings = {"hrpC", "GET / HTTP/1.1\r\n", "hrpc\u0008\0\0", "hrpc\u0009\0\1", "\u0016\u0003\u0001"})
    void closesOnWhatDoesNotBeginAsKudusClientsDo(String start) {
        client.send(start.getBytes(java.nio.charset.StandardCharsets.ISO_8859_1));
        assertEquals(0, client.received().length);
        assertFalse(client.channel.isOpen());
        assertTrue(server.lines.getLast().contains("a client of Kudu begins with \"hrpc\", version 9"));
    }

    @Test
    void wantsTheContextBeforeCalls() {
        byte[] introduction = Bytes.introduction("root");
        client.send(introduction, 0, introduction.length - Bytes.context().length);
        client.send(Bytes.call(Bytes.header(0, "Echo"), TestService.request(1)));
        assertFalse(client.channel.isOpen());
        assertTrue(server.lines.getLast().contains("connection context, call -3, is due"));
    }

    @Test
    void hasThreeSecondsForAllOfIt() {
        EmbeddedServer.Client done = server.connect();
        done.send(Bytes.introduction("root"));
        client.send(Bytes.START);
        client.send(Bytes.negotiation(Bytes.hello().build()));
        client.pass(2_900);
        assertTrue(client.channel.isOpen());
        client.pass(200);
        assertFalse(client.channel.isOpen());
        assertTrue(server.lines.getLast().endsWith("its negotiation took more than 3000 ms"));
        done.pass(10_000);
        assertTrue(done.channel.isOpen());
        done.close();
    }

    private void assertRefused(NegotiatePB second, RpcErrorCodePB code, String text) throws Exception {
        client.send(Bytes.START);
        client.send(Bytes.negotiation(Bytes.hello().build()));
        assertArrayEquals(Bytes.OFFER, client.received());
        client.send(Bytes.negotiation(second));
        assertRefused(code, text);
    }

    private void assertRefused(RpcErrorCodePB code, String text) throws InvalidProtocolBufferException {
        byte[] frame = client.received();
        assertArrayEquals(ERROR_HEADER, Arrays.copyOfRange(frame, 4, 4 + ERROR_HEADER.length));
        int at = 4 + ERROR_HEADER.length;
        at += frame[at] < 0 ? 2 : 1; // Length of the message.
        ErrorStatusPB error = ErrorStatusPB.parseFrom(Arrays.copyOfRange(frame, at, frame.length));
        assertEquals(code, error.getCode());
        assertTrue(error.getMessage().startsWith(text), error.getMessage());
        assertFalse(client.channel.isOpen());
        assertTrue(server.lines.getLast().startsWith("refused 127.0.0.1:40000: " + text));
        assertEquals(0, server.connections.count());
    }
}
