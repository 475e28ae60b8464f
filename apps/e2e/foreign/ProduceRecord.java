import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.Properties;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/**
 * Apache Kafka's own client, as an identity team would use it: reads one record a line from standard input,
 * `topic TAB key TAB base64 value TAB name=value&name=value`, where `-` stands for null, and prints its offset.
 */
public class ProduceRecord {
  public static void main(String[] arguments) throws Exception {
    Properties properties = new Properties();
    properties.put("bootstrap.servers", arguments[0]);
    properties.put("acks", "all");
    properties.put("max.request.size", "16777216");
    properties.put("buffer.memory", "67108864");
    properties.put("key.serializer", ByteArraySerializer.class.getName());
    properties.put("value.serializer", ByteArraySerializer.class.getName());
    BufferedReader lines = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    try (KafkaProducer<byte[], byte[]> producer = new KafkaProducer<>(properties)) {
      for (String line = lines.readLine(); line != null; line = lines.readLine()) {
        String[] fields = line.split("\t", -1);
        ProducerRecord<byte[], byte[]> record = new ProducerRecord<>(fields[0], bytes(fields[1]), value(fields[2]));
        for (String header : fields[3].isEmpty() ? new String[0] : fields[3].split("&")) {
          int at = header.indexOf('=');
          record.headers().add(header.substring(0, at), bytes(header.substring(at + 1)));
        }
        System.out.println(producer.send(record).get().offset());
      }
    }
  }

  private static byte[] bytes(String text) {
    return text.equals("-") ? null : text.getBytes(StandardCharsets.UTF_8);
  }

  private static byte[] value(String encoded) {
    return encoded.equals("-") ? null : Base64.getDecoder().decode(encoded);
  }
}
